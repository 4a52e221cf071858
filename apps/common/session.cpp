#include "common/session.hpp"

#include "core/sha256.hpp"

namespace toptheta::app {

Provenance Session::provenance_of(const std::vector<std::filesystem::path>& inputs) const {
  Provenance with_inputs = provenance;
  for (const std::filesystem::path& path : inputs)
    with_inputs.inputs.push_back({path.string(), sha256_of_path(path)});
  return with_inputs;
}

}  // namespace toptheta::app
