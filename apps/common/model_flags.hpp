// --model and the texts it reads, for every subcommand that runs a model.
#pragma once
#include <CLI/CLI.hpp>
#include <filesystem>
#include <string>
#include <vector>

#include "tasks/task.hpp"

namespace toptheta::app {

inline constexpr const char* kModelGroup = "Model";

CLI::Option* declare_model(CLI::App& app, std::string& model);

// The directory that --model names, or the embedded model.
std::filesystem::path model_directory(const std::string& model);

// Text documents of these files. Throws UsageError, naming `flag`, for a file that is a task of another kind.
std::vector<TextDocument> load_texts(const std::vector<std::filesystem::path>& files,
                                     const std::string& flag);

}  // namespace toptheta::app
