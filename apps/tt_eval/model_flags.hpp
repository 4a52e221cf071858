// --model; without it, the embedded model.
#pragma once
#include <CLI/CLI.hpp>
#include <filesystem>
#include <string>

#include "common/session.hpp"

namespace toptheta::app {

inline constexpr const char* kInputGroup = "Input";

CLI::Option* declare_model(CLI::App& app, std::string& model);

// The directory to load; says so where it is the embedded one.
std::filesystem::path resolve_model(const std::string& model, Session& session);

}  // namespace toptheta::app
