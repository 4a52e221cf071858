// The flags that every subcommand has, and the ones that most share.
#pragma once
#include <CLI/CLI.hpp>
#include <cstdint>
#include <string>
#include <vector>

#include "common/console.hpp"
#include "core/names.hpp"

namespace toptheta {

namespace app {
enum class ProgressFlag { automatic, json, none };
}  // namespace app

template <>
inline constexpr auto kNames<app::ProgressFlag> =
    std::to_array<Named<app::ProgressFlag>>({{app::ProgressFlag::automatic, "auto"},
                                             {app::ProgressFlag::json, "json"},
                                             {app::ProgressFlag::none, "none"}});

}  // namespace toptheta

namespace toptheta::app {

struct CommonFlags {
  std::string config{};
  bool print_config = false;
  int threads = 0;
  std::uint64_t seed = 0;
  ProgressFlag progress = ProgressFlag::automatic;
  bool quiet = false;
};

// Group names, in the order of --help.
inline constexpr const char* kInputGroup = "Input";
inline constexpr const char* kOutputGroup = "Output";
inline constexpr const char* kCommonGroup = "Common";

void declare_help(CLI::App& app);
// --config, which may also stand before the subcommand.
void declare_config(CLI::App& app, CommonFlags& flags);
void declare_common(CLI::App& app, CommonFlags& flags, const std::string& version_text);

// -o, --output
CLI::Option* declare_output(CLI::App& app, std::string& output, const std::string& description);

// Checks of numbers. Messages of CLI11's own checks name the largest double, with all its digits, as the
// upper end.
CLI::Validator non_negative();
CLI::Validator positive();

// "auto" means a line on a terminal, and nothing elsewhere.
ProgressStyle progress_style(const CommonFlags& flags);

}  // namespace toptheta::app
