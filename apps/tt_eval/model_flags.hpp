// --model (without it, the embedded model), --compute and --kv.
#pragma once
#include <CLI/CLI.hpp>
#include <filesystem>
#include <string>

#include "common/common_flags.hpp"
#include "common/session.hpp"
#include "kernels/attention/kv_type.hpp"
#include "kernels/linear/linear.hpp"

namespace toptheta::app {

CLI::Option* declare_model(CLI::App& app, std::string& model);

CLI::Option* declare_compute(CLI::App& app, Compute& compute);
CLI::Option* declare_kv(CLI::App& app, KvType& kv);
// Returns `compute`, with a note about what bf16 means on this processor.
Compute resolve_compute(Compute compute, Session& session);

// The directory or file to load, with a note if it is the embedded model.
std::filesystem::path resolve_model(const std::string& model, Session& session);

}  // namespace toptheta::app
