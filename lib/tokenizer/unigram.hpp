// The likeliest way to cut a word into pieces: the "Unigram" model of a tokenizer.json.
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
  static std::unique_ptr<UnigramModel> parse(const JsonField& field);

  // Viterbi over the pieces' scores (log-likelihoods), O(n) in the word's length times the longest piece; of
  // equal ways the one whose last piece begins first. A character without a piece of its own costs the
  // smallest score less 10; a run of such becomes bytes or one unknown token. Throws InputError where the
  // vocabulary has neither.
  void encode(std::string_view word, std::vector<std::int32_t>& ids) const override;
  [[nodiscard]] const Vocabulary& vocabulary() const override { return vocabulary_; }

 private:
  // The best way to the place behind a character.
  struct Step {
    double score = 0;
    std::int64_t begin = -1;  // of its last piece; -1: no way leads here
    std::int32_t id = -1;     // of its last piece; -1: unknown
  };

  UnigramModel(const JsonField& field, Vocabulary vocabulary, std::vector<double> scores);
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
