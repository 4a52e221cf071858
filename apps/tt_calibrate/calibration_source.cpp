#include "tt_calibrate/calibration_source.hpp"

#include <fmt/format.h>

#include "common/common_flags.hpp"
#include "common/embedded.hpp"
#include "common/strict.hpp"
#include "core/error.hpp"

namespace toptheta::app {

void declare_source(CLI::App& app, SourceFlags& flags, const EmbeddedTexts& embedded) {
  app.add_option("--model", flags.model,
                 "Directory with config.json, model.safetensors and tokenizer.json, or a .gguf file; by "
                 "default the embedded model")
      ->type_name("DIR|FILE")
      ->group(kInputGroup);
  declare_strict(app, flags.strict);
  app.add_option("--text", flags.texts,
                 fmt::format("Texts to run the model on, one document per file; the embedded {} texts if no "
                             "model is given",
                             embedded.name))
      ->type_name("FILE")
      ->group(kInputGroup);
  app.add_option("--ids", flags.ids,
                 "Documents as token ids: .npy, .h5 (data set tokens), .json or .jsonl. Each sequence is one "
                 "document, and no start token is added to it")
      ->type_name("FILE")
      ->group(kInputGroup);
  app.add_option(
         "--context", flags.context,
         "Tokens the model sees at once; longer documents are cut into windows. 0 = the model's own limit")
      ->type_name("N")
      ->check(non_negative())
      ->capture_default_str()
      ->group(kInputGroup);
}

std::vector<std::filesystem::path> CalibrationSource::files() const {
  std::vector<std::filesystem::path> all = texts;
  all.insert(all.end(), ids.begin(), ids.end());
  return all;
}

CalibrationSource resolve_source(const SourceFlags& flags, Session& session, const EmbeddedTexts& embedded) {
  CalibrationSource source{flags.model,
                           {flags.texts.begin(), flags.texts.end()},
                           {flags.ids.begin(), flags.ids.end()},
                           flags.strict};
  const bool given = !source.files().empty();
  if (!flags.model.empty() && !given)
    throw UsageError({.where = "--model",
                      .what = "needs a text to run on",
                      .next = "give --text FILE, a plain text like those the model will see, or --ids FILE"});
  session.wait_passively();  // may start the program anew, so before anything is said
  if (flags.model.empty()) {
    const EmbeddedData data = find_embedded_data();
    source.model = data.model();
    if (!given) source.texts = data.files(embedded.directory, ".txt");
    session.console.note(fmt::format("no --model: using the embedded one, {}{}", source.model.string(),
                                     !given ? fmt::format(", and its {} texts", embedded.name) : ""));
  }
  return source;
}

LanguageModel load_model(const CalibrationSource& source, Session& session) {
  return load_strictly(source.model, Compute::f32, source.strict, session);
}

Provenance provenance_of(const CalibrationSource& source, const LanguageModel& model,
                         const Session& session) {
  Provenance provenance = session.provenance_of(source.files());
  provenance.inputs.insert(provenance.inputs.begin(), InputFile{source.model.string(), model.sha256});
  return provenance;
}

}  // namespace toptheta::app
