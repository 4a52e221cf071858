// generation_config.json: how a model wants to be run.
#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

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

}  // namespace toptheta
