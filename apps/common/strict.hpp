// --strict: what a model's files hold and nothing uses is named once, or refuses the model.
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

// Names what the model's files hold and nothing uses, once; throws InputError instead where `strict`.
void tell_unused(const ModelConfig& config, bool strict, Session& session);
// The same of a model with its tokenizer.
void tell_unused(const LanguageModel& model, bool strict, Session& session);
// Prints sentences about what is not followed; throws InputError instead where `strict`.
void tell_notes(const std::vector<std::string>& notes, bool strict, Session& session);

// load_language_model(), and what is unused in it told or refused.
LanguageModel load_strictly(const std::filesystem::path& path, Compute compute, bool strict,
                            Session& session);

}  // namespace toptheta::app
