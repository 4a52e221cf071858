// --model (without it, the embedded model), --compute and --kv.
#pragma once
#include <CLI/CLI.hpp>
#include <filesystem>
#include <string>

#include "common/session.hpp"
#include "kernels/linear/linear.hpp"

namespace toptheta::app {

inline constexpr const char* kInputGroup = "Input";

CLI::Option* declare_model(CLI::App& app, std::string& model);

// --compute f32|bf16
CLI::Option* declare_compute(CLI::App& app, std::string& compute);
// --kv f32|f16|bf16
CLI::Option* declare_kv(CLI::App& app, std::string& kv);
// What was asked for; `session` notes what bf16 means on this processor.
Compute resolve_compute(const std::string& compute, Session& session);

// The directory to load; says so where it is the embedded one.
std::filesystem::path resolve_model(const std::string& model, Session& session);

}  // namespace toptheta::app
