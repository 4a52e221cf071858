// generation_config.json: a model's own settings for generating text.
#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "model/sampling.hpp"

namespace toptheta {

struct GenerationConfig {
  std::optional<std::vector<std::int32_t>> eos_tokens{};  // replaces that of config.json
  std::optional<bool> do_sample{};
  std::optional<double> temperature{};
  std::optional<double> top_p{};
  std::optional<std::int64_t> top_k{};
  std::vector<std::string> notes{};  // keys that could affect what is generated but are not used
};

// Reads the directory's generation_config.json; everything is absent if there is no such file. Throws
// InputError for values of the wrong type or out of range.
GenerationConfig read_generation_config(const std::filesystem::path& directory);

// What a user asks for. What is not given is taken from the model's GenerationConfig.
struct SamplingRequest {
  bool sample = false;
  std::optional<double> temperature{};  // 0: take the likeliest token
  std::optional<double> top_p{};
  std::optional<std::int64_t> top_k{};

  [[nodiscard]] bool asked() const { return sample || temperature || top_p || top_k; }
};

// How tokens are to be drawn; nullopt if the likeliest token is to be taken, which is so unless the user asks
// for sampling.
std::optional<SamplingOptions> sampling_of(const SamplingRequest& request, const GenerationConfig& model,
                                           std::uint64_t seed);

}  // namespace toptheta
