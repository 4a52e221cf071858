// What every subcommand is given besides its own flags.
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
  // wait_passively() (common/openmp.hpp), for commands that run a model, whose many short parallel loops need
  // it, before they load it.
  std::function<void()> wait_passively{};

  // Reports to the console, which must outlive it, as the library's stages do.
  [[nodiscard]] std::function<void(std::string_view stage, std::int64_t done, std::int64_t total,
                                   std::string_view unit)>
  stage_progress() const;
  // The provenance with the digests of these files and directories.
  [[nodiscard]] Provenance provenance_of(const std::vector<std::filesystem::path>& inputs) const;
};

}  // namespace toptheta::app
