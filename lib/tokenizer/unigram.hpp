// Splits a word into pieces in the likeliest way: the "Unigram" model of a tokenizer.json.
#pragma once
#include <memory>
#include <optional>
#include <vector>

#include "tokenizer/prefix_trie.hpp"
#include "tokenizer/token_model.hpp"

namespace toptheta {

class UnigramModel final : public TokenModel {
 public:
  // Throws InputError naming the field that is missing or contradictory.
  static std::unique_ptr<UnigramModel> parse(const JsonValue& field);

  // Finds the best path by the Viterbi algorithm over the pieces' scores (log-likelihoods); of equal paths,
  // the one whose last piece begins first. A character without a piece of its own scores 10 less than the
  // smallest score; a run of such characters becomes bytes or one unknown token. Time: O(length of the word *
  // length of the longest piece). Throws InputError if the vocabulary has neither bytes nor an unknown token
  // for a part of the word.
  void encode(std::string_view word, std::vector<std::int32_t>& ids) const override;
  [[nodiscard]] const Vocabulary& vocabulary() const override { return vocabulary_; }

 private:
  // The best path to a place in the word.
  struct Step {
    double score = 0;
    std::int64_t begin = -1;  // where its last piece begins; -1: no path leads here
    std::int32_t id = -1;     // its last piece; -1: an unknown character
  };

  UnigramModel(const JsonValue& field, Vocabulary vocabulary, std::vector<double> scores);
  [[nodiscard]] std::vector<Step> best_steps(std::string_view word) const;
  void add_unknown(std::string_view run, std::vector<std::int32_t>& ids) const;

  std::string where_;
  Vocabulary vocabulary_;
  std::vector<double> scores_;  // by id
  double unknown_score_ = 0;
  std::optional<std::int32_t> unknown_;
  bool byte_fallback_ = false;
  PrefixTrie trie_;
};

}  // namespace toptheta
