// Texts as the model reads them when attention is observed: calibration and dumps.
#pragma once
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "model/language_model.hpp"

namespace toptheta {

struct TextWindow {
  std::string source;                // the file, and the window's number where there are several
  std::vector<std::int32_t> tokens;  // at most the model's context
  std::int64_t document = 0;         // which of the files, from 0
};

// One document per file: the start token, then the text, cut into consecutive windows of `context` tokens (0:
// the model's own limit). Later windows continue the document; they do not begin with the start token again.
// Files of token ids (tokenizer/token_ids.hpp) follow, a document for each sequence, which is read as it
// stands. Throws InputError for empty texts and sequences, for what is not UTF-8 and for ids that the model
// has not, UsageError for a context the model has not.
std::vector<TextWindow> text_windows(const LanguageModel& model,
                                     const std::vector<std::filesystem::path>& files, std::int64_t context,
                                     const std::vector<std::filesystem::path>& id_files = {});

// Runs a window through the model, with an empty cache of at least that capacity, in pieces. Logits are not
// computed.
void run_window(Transformer& model, const TextWindow& window, KvCache& cache, const ResolvedPolicy& policy,
                const ForwardOptions& options);

}  // namespace toptheta
