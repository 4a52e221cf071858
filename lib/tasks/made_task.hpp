// Tasks of a chosen length, built from text that the user brings: what RULER measures, off-line and seeded.
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
  needle,             // one code told somewhere in the text, and asked for
  multi_key,          // many codes told; one is asked for
  variable_tracking,  // a chain of assignments; who has the value?
  common_words,       // a list of words; which appear most often?
};

// "needle", "multi-key", "variable-tracking", "common-words".
std::string_view name_of(MadeKind kind);
std::optional<MadeKind> made_kind_from_name(std::string_view name);

struct MadeTaskOptions {
  MadeKind kind = MadeKind::needle;
  std::int64_t length = 0;  // tokens of prompt and answer together, at most; at least 64
  std::int64_t count = 0;   // examples; at least 1
  std::uint64_t seed = 0;
};

// Number of tokens that a model reads of a prompt.
using CountTokens = std::function<std::int64_t(std::string_view)>;

// JSON Lines of our own generation kind (data/tasks/generation.toml): prompt, answer, stop, max_new_tokens,
// and for analysis kind, length (as asked), tokens (of the prompt), distance (tokens from the end of what
// must be found, the farthest where there are several, to the end of the prompt). The prompt is as long as
// whole sentences, or words, allow. Equal inputs give equal bytes. Throws InputError where `texts` hold too
// few sentences or words for the length. Cost: some ten tokenizations of each prompt.
std::string make_task(std::span<const std::string> texts, const MadeTaskOptions& options,
                      const CountTokens& count_tokens);

}  // namespace toptheta
