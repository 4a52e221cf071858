#include "tokenizer/unigram.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "core/error.hpp"
#include "tokenizer/bpe.hpp"
#include "tokenizer/unicode.hpp"

namespace toptheta {
namespace {

constexpr double kUnknownPenalty = 10;  // how far an unknown character scores below the unlikeliest piece

std::vector<std::pair<std::string_view, std::int32_t>> pieces_of(const Vocabulary& vocabulary) {
  std::vector<std::pair<std::string_view, std::int32_t>> pieces;
  for (std::int32_t id = 0; id < vocabulary.end_id(); ++id) {
    if (!vocabulary.token(id)->empty()) pieces.emplace_back(*vocabulary.token(id), id);
  }
  return pieces;
}

}  // namespace

std::unique_ptr<UnigramModel> UnigramModel::parse(const JsonValue& field) {
  const JsonValue list = field.at("vocab");
  if (!list.is_list() || list.size() == 0 || list.size() >= Vocabulary::kEndOfIds)
    list.fail("wrong value", "a list of pieces and their scores");
  Vocabulary vocabulary;
  std::vector<double> scores;
  for (const nlohmann::json& entry : list.raw()) {
    const auto fail = [&](const char* what, const char* expected) {
      list.elements()[scores.size()].fail(what, expected);
    };
    if (!entry.is_array() || entry.size() != 2 || !entry[0].is_string() || !entry[1].is_number() ||
        !std::isfinite(entry[1].get<double>()))
      fail("not a piece", "a string and a finite number");
    if (!vocabulary.add(entry[0].get_ref<const std::string&>(), static_cast<std::int32_t>(scores.size())))
      fail("the piece appears twice", "one entry per piece");
    scores.push_back(entry[1].get<double>());
  }
  return std::unique_ptr<UnigramModel>(new UnigramModel(field, std::move(vocabulary), std::move(scores)));
}

UnigramModel::UnigramModel(const JsonValue& field, Vocabulary vocabulary, std::vector<double> scores)
    : where_(field.where()),
      vocabulary_(std::move(vocabulary)),
      scores_(std::move(scores)),
      unknown_score_(*std::ranges::min_element(scores_) - kUnknownPenalty),
      byte_fallback_(field.flag_or("byte_fallback", false)),
      trie_(pieces_of(vocabulary_)) {
  if (const auto unknown = field.find("unk_id"))
    unknown_ = static_cast<std::int32_t>(unknown->integer(0, vocabulary_.end_id() - 1));
}

std::vector<UnigramModel::Step> UnigramModel::best_steps(std::string_view word) const {
  std::vector<Step> steps(word.size() + 1);
  for (std::size_t begin = 0; begin < word.size(); begin += utf8_length(word[begin])) {
    const double before = steps[begin].score;
    const auto offer = [&](std::size_t end, double score, std::int32_t id) {
      Step& step = steps[end];
      if (step.begin < 0 || score > step.score) step = {score, static_cast<std::int64_t>(begin), id};
    };
    const std::size_t one = utf8_length(word[begin]);
    bool has_one = false;
    trie_.for_each_prefix(word.substr(begin), [&](std::size_t length, std::int32_t id) {
      offer(begin + length, scores_[static_cast<std::size_t>(id)] + before, id);
      has_one = has_one || length == one;
    });
    if (!has_one) offer(begin + one, unknown_score_ + before, -1);
  }
  return steps;
}

void UnigramModel::add_unknown(std::string_view run, std::vector<std::int32_t>& ids) const {
  // A run of unknown characters may spell a piece that is not on the best path.
  if (const auto id = vocabulary_.id_of(run)) return ids.push_back(*id);
  if (byte_fallback_) {
    std::vector<std::int32_t> bytes;
    for (const char byte : run) {
      if (const auto id = vocabulary_.id_of(byte_token(static_cast<unsigned char>(byte))))
        bytes.push_back(*id);
    }
    if (bytes.size() == run.size()) {
      ids.insert(ids.end(), bytes.begin(), bytes.end());
      return;
    }
  }
  if (!unknown_)
    throw InputError({.where = where_,
                      .what = "no token for a part of the text",
                      .expected = "an unk_id, or byte_fallback with a token for every byte",
                      .found = fmt::format("\"{}\"", run)});
  ids.push_back(*unknown_);
}

void UnigramModel::encode(std::string_view word, std::vector<std::int32_t>& ids) const {
  const std::vector<Step> steps = best_steps(word);
  std::vector<std::pair<std::size_t, const Step*>> path;  // ends of pieces, from the last to the first
  for (std::size_t end = word.size(); end > 0; end = static_cast<std::size_t>(steps[end].begin))
    path.emplace_back(end, &steps[end]);
  // Pieces that are the unknown token itself belong to a run as well.
  const auto is_unknown = [&](const Step& step) { return step.id < 0 || step.id == unknown_; };
  for (std::size_t i = path.size(); i > 0; --i) {
    const Step& first = *path[i - 1].second;
    if (!is_unknown(first)) {
      ids.push_back(first.id);
      continue;
    }
    while (unknown_ && i > 1 && is_unknown(*path[i - 2].second))
      --i;
    const auto begin = static_cast<std::size_t>(first.begin);
    add_unknown(word.substr(begin, path[i - 1].first - begin), ids);
  }
}

}  // namespace toptheta
