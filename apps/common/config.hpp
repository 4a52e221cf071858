// --config and --print-config, driven by the declared flags.
#pragma once
#include <CLI/CLI.hpp>
#include <filesystem>
#include <string>
#include <vector>

namespace toptheta::app {

// Whether the flag takes no value.
bool is_switch(const CLI::Option& option);

// Arguments that bring the file's settings to `command`, for those of its flags that `command` has not been
// given: the command line wins. Keys are the long names of flags. A key above the first section serves every
// subcommand that has such a flag; a section serves the subcommand of its name. Throws UsageError, naming
// file and line, on sections and keys that no subcommand of `program` has.
std::vector<std::string> config_arguments(const CLI::App& program, const CLI::App& command,
                                          const std::filesystem::path& file);

// Every flag of `command` with its description and the value in force, as TOML that config_arguments() reads;
// flags without a value are commented out.
std::string config_text(const CLI::App& command);

}  // namespace toptheta::app
