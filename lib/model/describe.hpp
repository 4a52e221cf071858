// Describes a model's architecture in words.
#pragma once
#include <string>
#include <vector>

#include "model/config.hpp"

namespace toptheta {

// A phrase for each part in which families differ, such as "RMS norm before attention and feed-forward part",
// "8 query heads of 64 on 2 KV heads" or "a window of 4096 on 3 of 6 layers".
std::vector<std::string> describe(const ModelConfig& config);

}  // namespace toptheta
