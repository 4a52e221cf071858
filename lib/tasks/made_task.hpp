// Builds tasks of a chosen length from the user's own text, like those of RULER, but offline and from a seed.
#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace toptheta {

enum class MadeKind {
  needle,             // the text contains one code, which is asked for
  multi_key,          // the text contains several codes, one of which is asked for
  variable_tracking,  // the text contains a chain of assignments; which variables have the value?
  common_words,       // a list of words; which appear most often?
};

// The kinds' names: "needle", "multi-key", "variable-tracking", "common-words".
std::string_view name_of(MadeKind kind);
std::optional<MadeKind> made_kind_from_name(std::string_view name);

struct MadeTaskOptions {
  MadeKind kind = MadeKind::needle;
  std::int64_t length = 0;  // the most tokens that prompt and answer may have together; at least 64
  std::int64_t count = 0;   // number of examples; at least 1
  std::uint64_t seed = 0;
};

// Returns the number of tokens that a prompt has for a model.
using CountTokens = std::function<std::int64_t(std::string_view)>;

// Makes JSON Lines of the program's own generation kind (data/tasks/generation.toml), with the fields prompt,
// answer, stop and max_new_tokens. Further fields are for analysis: kind, length (as asked for), tokens (of
// the prompt), and distance (tokens from the end of what must be found, or the first of several such facts,
// to the end of the prompt). Prompts are as long as whole sentences, or words, allow. Equal inputs give equal
// bytes. Throws InputError if `texts` have too few sentences or words for the length, UsageError if the
// length is too short for the question. Cost: some ten tokenizations of each prompt.
std::string make_task(std::span<const std::string> texts, const MadeTaskOptions& options,
                      const CountTokens& count_tokens);

}  // namespace toptheta
