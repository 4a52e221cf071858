// --model (without it, the embedded model), --compute and --kv.
#pragma once
#include <CLI/CLI.hpp>
#include <filesystem>
#include <string>

#include "common/session.hpp"
#include "kernels/attention/kv_type.hpp"
#include "kernels/linear/linear.hpp"
#include "model/language_model.hpp"

namespace toptheta::app {

inline constexpr const char* kInputGroup = "Input";

CLI::Option* declare_model(CLI::App& app, std::string& model);

CLI::Option* declare_compute(CLI::App& app, Compute& compute);
CLI::Option* declare_kv(CLI::App& app, KvType& kv);
// --strict
CLI::Option* declare_strict(CLI::App& app, bool& strict);
// Names what the model's files hold and nothing uses, once; throws InputError instead where `strict`.
void tell_unused(const ModelConfig& config, bool strict, Session& session);
// The same of a model with its tokenizer.
void tell_unused(const LanguageModel& model, bool strict, Session& session);
// Prints sentences about what is not followed; throws InputError instead where `strict`.
void tell_notes(const std::vector<std::string>& notes, bool strict, Session& session);
// What was asked for; `session` notes what bf16 means on this processor.
Compute resolve_compute(Compute compute, Session& session);

// The directory or file to load; says so where it is the embedded one.
std::filesystem::path resolve_model(const std::string& model, Session& session);

}  // namespace toptheta::app
