// --follow: calibration from a dump that is still being written.
#pragma once
#include <CLI/CLI.hpp>
#include <filesystem>
#include <string>

#include "calibrate/live.hpp"

namespace toptheta::app {

struct FollowFlags {
  std::string dump{};
  double timeout = 600;
  double until_ci = 0;
};

struct FollowPlan {
  std::filesystem::path dump{};  // empty: none
  FollowOptions options{};
};

void declare_follow(CLI::App& app, FollowFlags& flags);

// Throws UsageError for flags that only apply with --follow.
FollowPlan resolve_follow(const FollowFlags& flags);

}  // namespace toptheta::app
