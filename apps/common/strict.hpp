// --strict: what a model's files hold but nothing uses is either named once, or the model is refused.
#pragma once
#include <CLI/CLI.hpp>
#include <filesystem>
#include <string>
#include <vector>

#include "common/session.hpp"
#include "kernels/linear/linear.hpp"
#include "model/language_model.hpp"

namespace toptheta::app {

CLI::Option* declare_strict(CLI::App& app, bool& strict);

// Names once what the model's files hold but nothing uses; throws InputError instead if `strict`.
void tell_unused(const ModelConfig& config, bool strict, Session& session);
// The same for a model with its tokenizer.
void tell_unused(const LanguageModel& model, bool strict, Session& session);
// Prints notes about what is not followed; throws InputError instead if `strict`.
void tell_notes(const std::vector<std::string>& notes, bool strict, Session& session);

// load_language_model(), followed by tell_unused().
LanguageModel load_strictly(const std::filesystem::path& path, Compute compute, bool strict,
                            Session& session);

}  // namespace toptheta::app
