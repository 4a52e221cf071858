// generation_config.json: how a model wants to be run.
#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "model/sampling.hpp"

namespace toptheta {

struct GenerationConfig {
  std::optional<std::vector<std::int32_t>> eos_tokens{};  // goes before config.json's
  std::optional<bool> do_sample{};
  std::optional<double> temperature{};
  std::optional<double> top_p{};
  std::optional<std::int64_t> top_k{};
  std::vector<std::string> notes{};  // keys that would change what is generated, and that are not used
};

// Everything absent where the directory has no such file. Throws InputError for values of the wrong type or
// that make no sense.
GenerationConfig read_generation_config(const std::filesystem::path& directory);

// What a user asks for; what is not given is the model's own.
struct SamplingRequest {
  bool sample = false;
  std::optional<double> temperature{};  // 0: the likeliest token
  std::optional<double> top_p{};
  std::optional<std::int64_t> top_k{};

  [[nodiscard]] bool asked() const { return sample || temperature || top_p || top_k; }
};

// How tokens are drawn; nothing where the likeliest is taken.
std::optional<SamplingOptions> sampling_of(const SamplingRequest& request, const GenerationConfig& model,
                                           std::uint64_t seed);

}  // namespace toptheta
