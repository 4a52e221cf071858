// --model, --text and --ids: the inputs of calibrations and dumps. Without --model, the embedded model and
// texts.
#pragma once
#include <CLI/CLI.hpp>
#include <filesystem>
#include <string>
#include <vector>

#include "common/session.hpp"
#include "model/language_model.hpp"

namespace toptheta::app {

struct SourceFlags {
  std::string model{};
  std::vector<std::string> texts{};
  std::vector<std::string> ids{};
  std::int64_t context = 0;
  bool strict = false;

  [[nodiscard]] bool any() const { return !model.empty() || !texts.empty() || !ids.empty(); }
};

struct CalibrationSource {
  std::filesystem::path model;
  std::vector<std::filesystem::path> texts;
  std::vector<std::filesystem::path> ids;
  bool strict = false;

  // All files that are read, other than the model.
  [[nodiscard]] std::vector<std::filesystem::path> files() const;
};

// The embedded texts that are used if no model is given: a directory in data/, and their name in messages.
struct EmbeddedTexts {
  const char* directory = "calib-a";
  const char* name = "calibration";
};

void declare_source(CLI::App& app, SourceFlags& flags, const EmbeddedTexts& embedded = {});

// Throws UsageError for a model without texts. Falls back to the embedded model and texts, with a note. Calls
// session.wait_passively(), which may start the program anew, before that note.
CalibrationSource resolve_source(const SourceFlags& flags, Session& session,
                                 const EmbeddedTexts& embedded = {});

// Loads the model, and names what its files hold but nothing uses, or refuses it under --strict.
LanguageModel load_model(const CalibrationSource& source, Session& session);

// The texts' digests and the model's, for provenance.
Provenance provenance_of(const CalibrationSource& source, const LanguageModel& model, const Session& session);

}  // namespace toptheta::app
