// What every subcommand gets in addition to its own flags.
#pragma once
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string_view>
#include <vector>

#include "cluster/communicator.hpp"
#include "common/console.hpp"
#include "core/provenance.hpp"

namespace toptheta::app {

struct Session {
  Console& console;
  Communicator& cluster;
  std::uint64_t seed = 0;
  int threads = 1;
  Provenance provenance{};  // without inputs
  // wait_passively() (common/openmp.hpp). Commands that run a model call it before they load the model,
  // because its many short parallel loops need it.
  std::function<void()> wait_passively{};

  // Reports progress of the library's stages to the console, which must outlive it.
  [[nodiscard]] std::function<void(std::string_view stage, std::int64_t done, std::int64_t total,
                                   std::string_view unit)>
  stage_progress() const;
  // The provenance with the digests of these files and directories.
  [[nodiscard]] Provenance provenance_of(const std::vector<std::filesystem::path>& inputs) const;
};

}  // namespace toptheta::app
