// A model's architecture in words, for people.
#pragma once
#include <string>
#include <vector>

#include "model/config.hpp"

namespace toptheta {

// A phrase for each part in which families differ: "RMS norm before attention and feed-forward part", "8
// query heads of 64 on 2 KV heads", "window of 4096 on layers 0, 2, 4 of 6" ...
std::vector<std::string> describe(const ModelConfig& config);

}  // namespace toptheta
