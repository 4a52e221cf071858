// tt-eval logits: every token's logits, to a file, or compared with another program's.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "common/choice_flag.hpp"
#include "common/common_flags.hpp"
#include "common/output.hpp"
#include "common/strict.hpp"
#include "core/error.hpp"
#include "eval/session.hpp"
#include "io/atomic_file.hpp"
#include "io/hdf5.hpp"
#include "io/text_file.hpp"
#include "model/language_model.hpp"
#include "tokenizer/token_ids.hpp"
#include "tt_eval/commands.hpp"
#include "tt_eval/model_flags.hpp"
#include "tt_eval/policy_flags.hpp"
#include "tt_eval/policy_plans.hpp"

namespace toptheta::app {

namespace {

struct LogitsFlags {
  std::string model{};
  Compute compute = Compute::f32;
  KvType kv = KvType::f32;
  bool strict = false;
  std::string text{};
  std::string ids{};
  PolicyFlags policies{};
  Phase phase = Phase::prefill;
  std::string reference{};
  double tolerance = -1;
  std::string output{};
};

using Ids = std::vector<std::int32_t>;

// Rows of logits, in order, [rows, vocabulary].
class LogitsFile {
 public:
  virtual ~LogitsFile() = default;
  virtual void add(std::int64_t first, std::int64_t rows, std::span<const float> logits) = 0;
  virtual void commit() = 0;
};

class NpyLogits : public LogitsFile {
 public:
  NpyLogits(const std::filesystem::path& path, std::int64_t tokens, std::int64_t vocabulary) : file_(path) {
    std::string header =
        fmt::format("{{'descr': '<f4', 'fortran_order': False, 'shape': ({}, {}), }}", tokens, vocabulary);
    constexpr std::size_t kBefore = 10;
    header.append(63 - (kBefore + header.size()) % 64, ' ');
    header += '\n';
    std::string start("\x93NUMPY\x01\x00", 8);
    start += static_cast<char>(header.size() % 256);
    start += static_cast<char>(header.size() / 256);
    file_.write(start + header);
  }
  void add(std::int64_t /*first*/, std::int64_t /*rows*/, std::span<const float> logits) override {
    const auto bytes = std::as_bytes(logits);
    file_.write({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  }
  void commit() override { file_.commit(); }

 private:
  AtomicFile file_;
};

class Hdf5Logits : public LogitsFile {
 public:
  Hdf5Logits(const std::filesystem::path& path, const Ids& ids, std::int64_t vocabulary)
      : file_(path), hdf5_(hdf5::File::create(file_.temporary(), path.string())) {
    hdf5_->root().write_vector("tokens", std::vector<std::int64_t>(ids.begin(), ids.end()));
    logits_ = hdf5_->root().create_dataset("logits", hdf5::Element::f32,
                                           {static_cast<std::int64_t>(ids.size()), vocabulary});
  }
  void add(std::int64_t first, std::int64_t rows, std::span<const float> logits) override {
    logits_->write<float>({{first, 0}, {rows, logits_->dims()[1]}}, logits);
  }
  void commit() override {
    logits_->flush();
    logits_.reset();
    hdf5_->close();
    hdf5_.reset();
    file_.commit();
  }

 private:
  AtomicFile file_;
  std::optional<hdf5::File> hdf5_;
  std::optional<hdf5::Dataset> logits_;
};

// Another program's logits of the same tokens.
class Comparison {
 public:
  Comparison(const std::filesystem::path& path, const Ids& ids, std::int64_t vocabulary)
      : file_(hdf5::File::open(path)), logits_(file_.root().open_dataset("logits")) {
    const auto tokens = file_.root().open_dataset("tokens").read<std::int64_t>();
    if (!std::equal(tokens.begin(), tokens.end(), ids.begin(), ids.end()))
      throw InputError({.where = fmt::format("{}:/tokens", path.string()),
                        .what = "differ from the tokens given here",
                        .expected = fmt::format("{} tokens, the same ids", ids.size()),
                        .found = fmt::format("{} tokens", tokens.size()),
                        .next = "pass this file to --ids as well, to use its tokens"});
    const hdf5::Dims shape{static_cast<std::int64_t>(ids.size()), vocabulary};
    if (logits_.dims() != shape)
      throw InputError({.where = logits_.where(),
                        .what = "wrong shape",
                        .expected = hdf5::format_dims(shape),
                        .found = hdf5::format_dims(logits_.dims())});
  }

  void add(std::int64_t first, std::int64_t rows, std::span<const float> logits) {
    std::vector<double> expected(logits.size());
    const hdf5::Box box{{first, 0}, {rows, logits_.dims()[1]}};
    logits_.read<double>({&box, 1}, expected);
    const auto vocabulary = static_cast<std::ptrdiff_t>(logits_.dims()[1]);
    for (std::size_t i = 0; i < logits.size(); ++i) {
      const double difference = std::abs(static_cast<double>(logits[i]) - expected[i]);
      // A NaN on either side is the largest of all.
      if (!(difference <= largest)) largest = difference;
      sum += difference;
    }
    for (std::ptrdiff_t r = 0; r < static_cast<std::ptrdiff_t>(rows); ++r) {
      const auto ours =
          std::max_element(logits.begin() + r * vocabulary, logits.begin() + (r + 1) * vocabulary);
      const auto theirs =
          std::max_element(expected.begin() + r * vocabulary, expected.begin() + (r + 1) * vocabulary);
      if (ours - logits.begin() == theirs - expected.begin()) ++equal_tops;
    }
    count += static_cast<std::int64_t>(logits.size());
    all_rows += rows;
  }

  [[nodiscard]] std::string text() const {
    return fmt::format(
        "largest difference  {:.3g}\nmean difference     {:.3g}\nequal top tokens    {:.4f} ({} of {})\n",
        largest, sum / static_cast<double>(std::max<std::int64_t>(count, 1)),
        static_cast<double>(equal_tops) / static_cast<double>(std::max<std::int64_t>(all_rows, 1)),
        equal_tops, all_rows);
  }

  double largest = 0;

 private:
  hdf5::File file_;
  hdf5::Dataset logits_;
  double sum = 0;
  std::int64_t count = 0;
  std::int64_t equal_tops = 0;
  std::int64_t all_rows = 0;
};

void require_sensible(const LogitsFlags& flags) {
  const int inputs = (flags.text.empty() ? 0 : 1) + (flags.ids.empty() ? 0 : 1);
  if (inputs != 1)
    throw UsageError({.where = inputs == 0 ? "--text" : "--ids",
                      .what = inputs == 0 ? "not given" : "cannot be combined with --text",
                      .expected = "--text FILE or --ids FILE"});
  if (flags.output.empty() && flags.reference.empty())
    throw UsageError(
        {.where = "-o", .what = "not given", .expected = "-o FILE.npy or .h5, or --reference FILE.h5"});
  const std::string ending = std::filesystem::path(flags.output).extension().string();
  if (!flags.output.empty() && ending != ".npy" && ending != ".h5" && ending != ".hdf5")
    throw UsageError({.where = "-o",
                      .what = "no such format",
                      .expected = "a name that ends in .npy or .h5",
                      .found = flags.output});
  if (flags.tolerance >= 0 && flags.reference.empty())
    throw UsageError({.where = "--tolerance", .what = "needs --reference"});
  for (const std::string* input : {&flags.text, &flags.ids, &flags.reference})
    if (!input->empty()) require_distinct(flags.output, *input, "-o");
}

// The model, and the tokens that it is fed.
struct Loaded {
  Transformer transformer;
  Ids ids;
};

Loaded load(const LogitsFlags& flags, Session& session) {
  const std::filesystem::path path = resolve_model(flags.model, session);
  const Compute compute = resolve_compute(flags.compute, session);
  if (!flags.ids.empty()) {
    // Without its tokenizer: a model may have none.
    ModelFiles files = open_model(path);
    Ids ids;
    for (const Ids& sequence : read_token_ids(flags.ids, files.config.vocab_size))
      ids.insert(ids.end(), sequence.begin(), sequence.end());
    return {Transformer::load(std::move(files), compute), std::move(ids)};
  }
  const std::string text = read_text_file(flags.text);
  LanguageModel model = load_language_model(path, compute);
  tell_notes(model.notes, flags.strict, session);
  Ids ids = model.tokenizer.encode_framed(text);
  return {std::move(model.transformer), std::move(ids)};
}

class LogitsCommand : public Command {
 public:
  void declare(CLI::App& app) override;
  void run(Session& session) override;

 private:
  LogitsFlags flags_;
};

void LogitsCommand::declare(CLI::App& app) {
  declare_model(app, flags_.model);
  declare_compute(app, flags_.compute);
  declare_kv(app, flags_.kv);
  declare_strict(app, flags_.strict);
  app.add_option("--text", flags_.text, "Text to feed to the model, tokenized as its tokenizer does")
      ->type_name("FILE")
      ->group(kInputGroup);
  app.add_option("--ids", flags_.ids,
                 "Token ids instead of a text: .npy, .h5 (its data set tokens), .json or .jsonl with ids. "
                 "Several sequences are concatenated")
      ->type_name("FILE")
      ->group(kInputGroup);
  add_choice(app, "--phase", flags_.phase, "prefill = all tokens at once, decode = one by one")
      ->group(kInputGroup);
  declare_policies(app, flags_.policies);
  app.add_option(
         "--reference", flags_.reference,
         "Compare with these logits: an HDF5 file with tokens [tokens] and logits [tokens, vocabulary]")
      ->type_name("FILE.h5")
      ->group(kOutputGroup);
  app.add_option("--tolerance", flags_.tolerance, "Exit with status 1 if the largest difference exceeds this")
      ->type_name("X")
      ->check(non_negative())
      ->group(kOutputGroup);
  declare_output(app, flags_.output,
                 "Write the logits to this file, as float32 [tokens, vocabulary]: .npy, or .h5 together with "
                 "the tokens");
}

void LogitsCommand::run(Session& session) {
  session.wait_passively();
  require_sensible(flags_);
  const std::vector<Policy> policies = resolve_policies(flags_.policies);
  if (policies.size() != 1)
    throw UsageError({.where = "--attention",
                      .what = "logits are computed for a single policy",
                      .expected = "one policy",
                      .found = fmt::format("{}", policies.size())});
  const std::vector<ThresholdFile> thresholds = load_thresholds(flags_.policies.thresholds, session.console);
  for (const ThresholdFile& file : thresholds)
    require_distinct(flags_.output, file.path, "-o");
  Loaded loaded = load(flags_, session);
  const ModelConfig& config = loaded.transformer.config();
  tell_unused(config, flags_.strict, session);
  const std::int64_t tokens = std::ssize(loaded.ids);
  if (tokens < 1 || tokens > config.context)
    throw InputError({.where = flags_.ids.empty() ? flags_.text : flags_.ids,
                      .what = "does not fit the model's context",
                      .expected = fmt::format("1 to {} tokens", config.context),
                      .found = fmt::format("{}", tokens)});
  const PolicyPlan plan = plan_policies(policies, thresholds, config.shape, tokens).front();
  warn_of_idle_tables(policies, thresholds, session.console);
  std::unique_ptr<LogitsFile> file;
  if (std::filesystem::path(flags_.output).extension() == ".npy")
    file = std::make_unique<NpyLogits>(flags_.output, tokens, config.vocab_size);
  else if (!flags_.output.empty())
    file = std::make_unique<Hdf5Logits>(flags_.output, loaded.ids, config.vocab_size);
  std::optional<Comparison> comparison;
  if (!flags_.reference.empty()) comparison.emplace(flags_.reference, loaded.ids, config.vocab_size);
  KvCache cache = loaded.transformer.new_cache(tokens, plan.policy.policy().prefilter, flags_.kv);
  PolicySession run(loaded.transformer, plan.policy, cache, flags_.phase);
  run.start();
  run.expect_prompt(tokens);
  for (std::int64_t first = 0; first < tokens; first += PolicySession::kPiece) {
    const std::int64_t rows = std::min(PolicySession::kPiece, tokens - first);
    const auto piece =
        std::span(loaded.ids).subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(rows));
    const auto logits = run.feed(piece, 0);
    if (file) file->add(first, rows, logits);
    if (comparison) comparison->add(first, rows, logits);
    session.console.progress("logits", first + rows, tokens, "tokens");
  }
  session.console.finish();
  if (file) file->commit();
  if (!comparison) return;
  write_stdout(comparison->text());
  if (flags_.tolerance >= 0 && !(comparison->largest <= flags_.tolerance))
    throw Error(ExitStatus::check_failed, {.where = flags_.reference,
                                           .what = "logits differ",
                                           .expected = fmt::format("at most {}", flags_.tolerance),
                                           .found = fmt::format("{:.3g}", comparison->largest)});
}

}  // namespace

std::unique_ptr<Command> make_logits_command() {
  return std::make_unique<LogitsCommand>();
}

}  // namespace toptheta::app
