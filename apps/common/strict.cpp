#include "common/strict.hpp"

#include <fmt/format.h>

#include "common/common_flags.hpp"
#include "core/error.hpp"

namespace toptheta::app {

CLI::Option* declare_strict(CLI::App& app, bool& strict) {
  return app
      .add_flag(
          "--strict", strict,
          "Refuse a model whose files hold a field or tensor that is not used; by default it is only named")
      ->group(kInputGroup);
}

void tell_unused(const ModelConfig& config, bool strict, Session& session) {
  if (config.unused.empty()) return;
  if (strict)
    throw InputError({.where = config.unused.front(),
                      .what = "is not used, and --strict is given",
                      .expected = "a model without unused fields or tensors that could change a number",
                      .found = fmt::format("{} such fields or tensors", config.unused.size()),
                      .next = "without --strict, they are named and left out"});
  for (const std::string& unused : config.unused)
    session.console.warn(fmt::format("{} is not used", unused), "--strict refuses such a model");
}

void tell_notes(const std::vector<std::string>& notes, bool strict, Session& session) {
  if (strict && !notes.empty())
    throw InputError({.where = notes.front(),
                      .what = "is not followed, and --strict is given",
                      .expected = "a model without unused fields or tensors that could change a number",
                      .next = "without --strict, it is named and left out"});
  for (const std::string& note : notes)
    session.console.note(note);
}

void tell_unused(const LanguageModel& model, bool strict, Session& session) {
  tell_unused(model.transformer.config(), strict, session);
  tell_notes(model.notes, strict, session);
}

LanguageModel load_strictly(const std::filesystem::path& path, Compute compute, bool strict,
                            Session& session) {
  LanguageModel model = load_language_model(path, compute);
  tell_unused(model, strict, session);
  return model;
}

}  // namespace toptheta::app
