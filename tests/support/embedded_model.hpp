// The model that comes with the program, loaded once for all tests of a program that run it.
#pragma once
#include "model/language_model.hpp"

namespace toptheta::testing {

inline LanguageModel& embedded() {
  static LanguageModel model = load_language_model("data/model");
  return model;
}

}  // namespace toptheta::testing
