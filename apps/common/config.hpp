// --config and --print-config, driven by the declared flags.
#pragma once
#include <CLI/CLI.hpp>
#include <filesystem>
#include <string>
#include <vector>

namespace toptheta::app {

// Whether the flag takes no value.
bool is_switch(const CLI::Option& option);

// Arguments that give the settings in the file to `command`, except for flags that were already given,
// because the command line takes precedence. Keys are the long names of flags. A key above the first section
// applies to every subcommand that has such a flag, and a section to the subcommand of its name. Throws
// UsageError, naming file and line, for sections and keys that no subcommand of `program` has.
std::vector<std::string> config_arguments(const CLI::App& program, const CLI::App& command,
                                          const std::filesystem::path& file);

// Every flag of `command` with its description and its current value, as TOML that config_arguments() reads.
// Flags without a value are commented out.
std::string config_text(const CLI::App& command);

}  // namespace toptheta::app
