// A folder with a model, texts and a threshold table of two k, for the tests of tt-eval.
#pragma once
#include <nlohmann/json.hpp>
#include <string>

#include "cli/world.hpp"

namespace toptheta::testing {

struct EvalWorld : World {
  EvalWorld() {
    (void)output("tt-calibrate fit --model model --text b.txt -k 4,8 --sdc-offline -o theta.h5");
  }
  // The results of `tt-eval run`.
  [[nodiscard]] nlohmann::json runs(const std::string& flags) const {
    return nlohmann::json::parse(output("tt-eval run --model model --format json " + flags)).at("runs");
  }
};

}  // namespace toptheta::testing
