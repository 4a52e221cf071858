// One policy, declared in one place: its name, its options, what it can be combined with, and what it keeps
// of a row. Flags, help texts, parsing, JSON, CSV and tables follow from the declaration.
//
// A new policy is a source file beside this one that defines a PolicyUnit, and an entry in registry.cpp.
#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "attention/policy.hpp"
#include "kernels/attention/score_rows.hpp"

namespace toptheta {

// An option of one policy, such as "window" in window:window=256.
struct PolicyOption {
  std::string_view name;
  double usual = 0;  // the default; NaN: none
  double least = 0;  // the smallest and the largest value that is accepted
  double most = 0;
  bool whole = true;  // a count; otherwise any real number
  std::string_view help{};
};

// Rows of one query head that are decided together, with all of their scores. Positions are absolute: row r
// is that of the query at position first_position + r, and sees the keys first_key[r] ... position(r).
struct HeadRows {
  std::int64_t layer = 0;
  std::int64_t head = 0;
  std::int64_t k = 0;  // how many keys the head should keep; 0 where the policy has no k
  std::int64_t first_position = 0;
  std::int64_t rows = 0;
  std::span<const std::int64_t> first_key{};
  const float* scores = nullptr;  // [rows][stride]: entry j of a row is the score of key j
  std::int64_t stride = 0;
  const float* q = nullptr;  // [rows], q_stride floats apart
  std::int64_t q_stride = 0;
  const float* keys = nullptr;  // packed [block][head_dim][kKeyBlock], from position 0
  std::int64_t head_dim = 0;

  [[nodiscard]] std::int64_t position(std::int64_t r) const { return first_position + r; }
  [[nodiscard]] std::int64_t first(std::int64_t r) const { return first_key[static_cast<std::size_t>(r)]; }
  // The number of keys that row r sees.
  [[nodiscard]] std::int64_t length(std::int64_t r) const { return position(r) + 1 - first(r); }
  [[nodiscard]] const float* row(std::int64_t r) const { return scores + r * stride; }
  [[nodiscard]] float key(std::int64_t position, std::int64_t channel) const {
    return keys[(position / kKeyBlock * head_dim + channel) * kKeyBlock + position % kKeyBlock];
  }
};

// What some rows keep: for each a set of absolute key positions.
class KeptRows {
 public:
  // Clears all sets, for `rows` rows and the keys 0 ... keys - 1.
  void reset(std::int64_t rows, std::int64_t keys) {
    words_ = (keys + 63) / 64;
    bits_.assign(static_cast<std::size_t>(rows * words_), 0);
  }
  void keep(std::int64_t r, std::int64_t key) {
    bits_[static_cast<std::size_t>(r * words_ + key / 64)] |= std::uint64_t{1} << (key % 64);
  }
  [[nodiscard]] bool has(std::int64_t r, std::int64_t key) const {
    return (bits_[static_cast<std::size_t>(r * words_ + key / 64)] >> (key % 64) & 1U) != 0;
  }
  void keep(std::int64_t r, std::int64_t first, std::int64_t last);  // [first, last)
  void drop(std::int64_t r, std::int64_t first, std::int64_t last);
  [[nodiscard]] std::span<const std::uint64_t> row(std::int64_t r) const {
    return {bits_.data() + r * words_, static_cast<std::size_t>(words_)};
  }

 private:
  std::int64_t words_ = 0;
  std::vector<std::uint64_t> bits_;
};

// The code of a policy that looks at rows of scores. Shared by all threads.
class RowSelector {
 public:
  RowSelector() = default;
  RowSelector(const RowSelector&) = delete;
  RowSelector& operator=(const RowSelector&) = delete;
  virtual ~RowSelector() = default;

  // Rows come in blocks that end where positions are multiples of this, or where a call ends.
  [[nodiscard]] virtual std::int64_t block_rows() const { return 64; }
  // Whether what a row keeps depends on earlier rows. Then the rows of a head come in order, and `memory`,
  // empty at first, is passed from one block to the next, also across calls.
  [[nodiscard]] virtual bool remembers() const { return false; }
  // Marks in `kept`, which is clear at first, what each row keeps. Keys that the row does not see are
  // ignored.
  virtual void select(const HeadRows& rows, std::vector<double>& memory, KeptRows& kept) const = 0;
};

struct PolicyUnit {
  std::string_view name;
  std::string_view keeps;  // for help texts: "the k largest scores of a row"
  Selection selection = Selection::rows;
  std::span<const PolicyOption> options{};
  // What the policy can be combined with.
  bool has_k = false;
  std::string_view instead_of_k{};  // the policy's own option that replaces k
  bool has_placement = false;
  bool has_theta = false;  // uses a threshold table, and so cap-k, prefilter and lookup
  bool drops = true;       // may drop keys, so VMC makes sense, and SDC where `check` allows it
  // Whether every key is read before the policy knows what to keep; otherwise only kept keys are.
  bool reads_all_keys = true;
  // Throws UsageError for combinations that the policy refuses; called after the checks that all policies
  // share.
  void (*check)(const Policy&) = nullptr;
  // For Selection::rows only.
  std::unique_ptr<const RowSelector> (*selector)(const Policy&) = nullptr;
};

// The declaration of a policy.
const PolicyUnit& unit_of(const Policy& policy);
// The value of one of the policy's own options; where it is not given, its default, which may be NaN; NaN for
// an unknown name.
double option_value(const Policy& policy, std::string_view name);
std::int64_t option_count(const Policy& policy, std::string_view name);  // 0 for NaN

// All policies, in the order in which they are listed.
std::span<const PolicyUnit* const> all_policies();
const PolicyUnit* find_policy(std::string_view name);  // null where there is none
std::vector<std::string_view> policy_names();

// Throws UsageError, "attention policy '...': what", with what to do next.
[[noreturn]] void refuse(const Policy& policy, std::string what, std::string next);

}  // namespace toptheta
