#include "model/transformer.hpp"

#include <cstring>
#include <vector>

#include "core/error.hpp"
#include "core/parallel.hpp"
#include "model/random_weights.hpp"
#include "model/rope.hpp"
#include "support/catch.hpp"
#include "support/temp_dir.hpp"
#include "support/tiny_llama.hpp"

using namespace toptheta;
using testing::TinyLlama;

namespace {

using Floats = std::vector<float>;
using Tokens = std::vector<std::int32_t>;

Tokens random_tokens(std::int64_t count, std::int64_t vocab) {
  Random random(7);
  Tokens tokens;
  for (std::int64_t i = 0; i < count; ++i)
    tokens.push_back(static_cast<std::int32_t>(random.below(static_cast<std::uint64_t>(vocab))));
  return tokens;
}

Transformer load(const TinyLlama& tiny) {
  const testing::TempDir dir;
  tiny.write(dir.path("tiny"));
  return Transformer::load(dir.path("tiny"));
}

// Logits of all positions, fed in pieces of `piece` tokens.
Floats logits_in_pieces(Transformer& model, const Tokens& tokens, std::size_t piece,
                        const ResolvedPolicy& policy, SequenceCounts* counts = nullptr) {
  KvCache cache(model.config().shape, std::ssize(tokens));
  Floats all;
  for (std::size_t at = 0; at < tokens.size(); at += piece) {
    const auto part = std::span(tokens).subspan(at, std::min(piece, tokens.size() - at));
    const auto logits =
        model.forward(part, cache, policy, {.attention = {.counts = counts}, .first_logit_row = 0});
    all.insert(all.end(), logits.begin(), logits.end());
  }
  return all;
}

Floats logits_at_once(Transformer& model, const Tokens& tokens) {
  return logits_in_pieces(model, tokens, tokens.size(), dense_policy(model.config().shape));
}

double largest_difference(const Floats& a, const Floats& b) {
  REQUIRE(a.size() == b.size());
  double worst = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double difference = std::abs(static_cast<double>(a[i]) - static_cast<double>(b[i]));
    if (!(difference <= worst)) worst = difference;
  }
  return worst;
}

// The transformer against the naive one, both from `tiny`.
double error_of(const TinyLlama& tiny, const testing::NaiveTransformer& naive) {
  Transformer model = load(tiny);
  const Tokens tokens = random_tokens(21, tiny.vocab);
  Floats expected;
  for (const auto& row : naive.forward(tokens))
    for (const double v : row)
      expected.push_back(static_cast<float>(v));
  return largest_difference(logits_at_once(model, tokens), expected);
}

double error_of(TinyLlama tiny) {
  tiny.fill_tensors();
  return error_of(tiny, tiny.naive());
}

constexpr double kTolerance = 1e-4;

// What a forward pass of `tiny` under `policy` ends with.
Problem problem_of_running(const TinyLlama& tiny, KvType kv, const Policy& policy) {
  Transformer model = load(tiny);
  KvCache cache = model.new_cache(40, Prefilter::none, kv);
  const ResolvedPolicy resolved(policy, model.config().shape, 40, nullptr, "");
  try {
    model.forward(random_tokens(40, tiny.vocab), cache, resolved);
  } catch (const InputError& error) {
    return error.problem();
  }
  return {.where = "no error"};
}

void scale(TinyLlama& tiny, const std::string& part, float factor) {
  for (auto& [name, tensor] : tiny.tensors)
    if (name.find(part) != std::string::npos)
      for (float& value : tensor.values)
        value *= factor;
}

}  // namespace

TEST_CASE("logits equal the naive transformer's, in every variant", "[model]") {
  CHECK(error_of(TinyLlama{}) < kTolerance);
  CHECK(error_of(TinyLlama{.kv_heads = 4}) < kTolerance);
  CHECK(error_of(TinyLlama{.kv_heads = 1}) < kTolerance);
  CHECK(error_of(TinyLlama{.tied = true}) < kTolerance);
  CHECK(error_of(TinyLlama{.head_dim = 16}) < kTolerance);
  CHECK(error_of(TinyLlama{.attention_bias = true}) < kTolerance);
  CHECK(error_of(TinyLlama{.mlp_bias = true}) < kTolerance);
  CHECK(error_of(TinyLlama{.type = TensorType::bf16}) < kTolerance);
  CHECK(error_of(TinyLlama{.type = TensorType::f16}) < kTolerance);
}

TEST_CASE("the naive transformer notices a changed weight", "[model]") {
  TinyLlama tiny;
  tiny.fill_tensors();
  testing::NaiveTransformer naive = tiny.naive();
  naive.tensors.at("model.layers.1.mlp.up_proj.weight")[3] += 0.5;
  CHECK(error_of(tiny, naive) > 10 * kTolerance);
}

TEST_CASE("rotary scaling reaches the logits", "[model]") {
  const nlohmann::json scaling = {{"rope_type", "llama3"},
                                  {"factor", 8},
                                  {"low_freq_factor", 1},
                                  {"high_freq_factor", 4},
                                  {"original_max_position_embeddings", 64}};
  TinyLlama tiny{.more_config = {{"rope_scaling", scaling}}};
  tiny.fill_tensors();
  testing::NaiveTransformer naive = tiny.naive();
  CHECK(error_of(tiny, naive) > 10 * kTolerance);
  Rope rope{.dims = tiny.head_dim};
  rope.scaling = {.kind = RopeScaling::Kind::llama3,
                  .factor = 8,
                  .low_freq_factor = 1,
                  .high_freq_factor = 4,
                  .original_context = 64};
  naive.rope_frequencies = rope_frequencies(rope, 21);
  CHECK(error_of(tiny, naive) < kTolerance);
}

TEST_CASE("decoding and any cut into pieces give prefill's logits", "[model]") {
  TinyLlama tiny;
  tiny.fill_tensors();
  Transformer model = load(tiny);
  const Tokens tokens = random_tokens(40, tiny.vocab);
  const Floats whole = logits_at_once(model, tokens);
  const ResolvedPolicy dense = dense_policy(model.config().shape);
  for (const std::size_t piece : {1U, 3U, 16U, 39U})
    CHECK(largest_difference(logits_in_pieces(model, tokens, piece, dense), whole) < kTolerance);
}

TEST_CASE("a prefill longer than a chunk has the logits and counts of its pieces", "[model]") {
  TinyLlama tiny{.layers = 1, .context = 1200};
  tiny.fill_tensors();
  Transformer model = load(tiny);
  const ModelShape& shape = model.config().shape;
  const Tokens tokens = random_tokens(1100, tiny.vocab);
  const ResolvedPolicy topk({.selection = Selection::topk, .k = 32}, shape, 1200, nullptr, "");
  SequenceCounts whole_counts(shape, 1100, Phase::prefill);
  SequenceCounts piece_counts(shape, 1100, Phase::prefill);
  const Floats whole = logits_in_pieces(model, tokens, tokens.size(), topk, &whole_counts);
  const Floats pieces = logits_in_pieces(model, tokens, 100, topk, &piece_counts);
  CHECK(largest_difference(whole, pieces) < 1e-3);
  const AttentionCounts a = whole_counts.totals();
  const AttentionCounts b = piece_counts.totals();
  for (std::int64_t h = 0; h < shape.num_heads; ++h) {
    CHECK(a.head(0, h).rows == 1100);
    CHECK(a.head(0, h).kept == b.head(0, h).kept);
    CHECK(a.head(0, h).kept == 32 * 33 / 2 + (1100 - 32) * 32);
  }
  for (std::int64_t g = 0; g < shape.num_kv_heads; ++g) {
    CHECK(a.group(0, g).rows_needed == b.group(0, g).rows_needed);
    CHECK(a.group(0, g).rows_available == 1100);
  }
}

namespace {

// Keeps about half of what is seen.
ResolvedPolicy theta_near_zero(const ModelShape& shape) {
  ThresholdTable table;
  table.meta.shape = shape;
  Target target{1, std::vector<std::int64_t>(static_cast<std::size_t>(shape.num_layers), 1), {}};
  target.cells.assign(static_cast<std::size_t>(shape.num_layers * shape.num_heads),
                      {ThresholdEntry{.length = 1, .theta = 0.001, .count = 1}});
  table.targets = {target};
  return {{.selection = Selection::theta, .vmc = true, .k = 1}, shape, 1024, &table, "near zero"};
}

// A prefill in two chunks, one of which is cut by rows and columns, and some steps: all logits.
Floats logits_at(int threads, Compute compute, bool theta) {
  set_thread_count(threads);
  Transformer model = Transformer::random(
      config_from_shape("d=128,layers=2,heads=4,kv-heads=2,ffn=192,vocab=320,context=1024"), 3, compute);
  const ModelShape& shape = model.config().shape;
  const ResolvedPolicy policy = theta ? theta_near_zero(shape) : dense_policy(shape);
  const Tokens tokens = random_tokens(648, 320);
  KvCache cache = model.new_cache(std::ssize(tokens));
  const auto whole = model.forward(std::span(tokens).first(640), cache, policy, {.first_logit_row = 0});
  Floats logits(whole.begin(), whole.end());
  for (std::size_t i = 640; i < tokens.size(); ++i) {
    const auto step = model.forward(std::span(tokens).subspan(i, 1), cache, policy);
    logits.insert(logits.end(), step.begin(), step.end());
  }
  set_thread_count(0);
  return logits;
}

}  // namespace

TEST_CASE("logits have the same bytes at any number of threads", "[model]") {
  for (const Compute compute : {Compute::f32, Compute::bf16})
    for (const bool theta : {false, true}) {
      const Floats one = logits_at(1, compute, theta);
      for (const int threads : {2, 3, 7, 20}) {
        CAPTURE(compute == Compute::bf16, theta, threads);
        const Floats more = logits_at(threads, compute, theta);
        REQUIRE(one.size() == more.size());
        CHECK(std::memcmp(one.data(), more.data(), one.size() * sizeof(float)) == 0);
      }
    }
}

TEST_CASE("only the logits asked for are computed", "[model]") {
  TinyLlama tiny;
  tiny.fill_tensors();
  Transformer model = load(tiny);
  const Tokens tokens = random_tokens(10, tiny.vocab);
  const ResolvedPolicy dense = dense_policy(model.config().shape);
  const Floats all = logits_at_once(model, tokens);
  const auto vocab = static_cast<std::size_t>(tiny.vocab);
  const auto from = [&](std::int64_t first_row) {
    KvCache cache(model.config().shape, 10);
    const auto logits = model.forward(tokens, cache, dense, {.first_logit_row = first_row});
    CHECK(cache.length() == 10);
    return Floats(logits.begin(), logits.end());
  };
  CHECK(largest_difference(from(-1), Floats(all.end() - tiny.vocab, all.end())) < 1e-5);
  CHECK(largest_difference(from(7), Floats(all.end() - 3 * tiny.vocab, all.end())) < 1e-5);
  CHECK(from(9).size() == vocab);
  CHECK(from(10).empty());
  KvCache cache(model.config().shape, 10);
  CHECK(model.forward({}, cache, dense).empty());
}

TEST_CASE("an observer sees every layer's queries, keys and values", "[model]") {
  struct Recorder : LayerObserver {
    struct Call {
      std::int64_t layer, first_position, rows;
      Floats k, v;
    };
    std::vector<Call> calls{};
    const ModelShape shape;
    explicit Recorder(const ModelShape& s) : shape(s) {}
    void on_layer(const LayerInputs& in) override {
      const std::int64_t size = in.rows * shape.num_kv_heads * shape.head_dim;
      calls.push_back(
          {in.layer, in.first_position, in.rows, Floats(in.k, in.k + size), Floats(in.v, in.v + size)});
      CHECK(in.scale == Approx(1 / std::sqrt(static_cast<double>(shape.head_dim))));
      CHECK(in.q != nullptr);
    }
  };
  TinyLlama tiny;
  tiny.fill_tensors();
  Transformer model = load(tiny);
  const ModelShape& shape = model.config().shape;
  const Tokens tokens = random_tokens(9, tiny.vocab);
  Recorder recorder(shape);
  KvCache cache(shape, 9);
  const ResolvedPolicy dense = dense_policy(shape);
  model.forward(std::span(tokens).first(4), cache, dense, {.layers = &recorder});
  model.forward(std::span(tokens).subspan(4), cache, dense, {.layers = &recorder});
  REQUIRE(recorder.calls.size() == 4);
  CHECK(recorder.calls[0].rows == 4);
  CHECK(recorder.calls[1].layer == 1);
  CHECK(recorder.calls[2].first_position == 4);
  CHECK(recorder.calls[3].rows == 5);
  // What it saw is what the cache holds: row 3 of the first call, KV head 1 of layer 1.
  const Floats& v = recorder.calls[1].v;
  const float* stored = cache.values(1, 1) + 3 * shape.head_dim;
  CHECK(Floats(stored, stored + shape.head_dim) == Floats(v.end() - shape.head_dim, v.end()));
}

TEST_CASE("a token outside the vocabulary is an input error", "[model]") {
  TinyLlama tiny;
  tiny.fill_tensors();
  Transformer model = load(tiny);
  KvCache cache(model.config().shape, 8);
  const ResolvedPolicy dense = dense_policy(model.config().shape);
  for (const std::int32_t token : {-1, 50, 1000000}) {
    try {
      model.forward(Tokens{3, token}, cache, dense);
      FAIL("no error");
    } catch (const InputError& error) {
      CHECK(error.problem().where == "model tiny: token 1 of 2");
      CHECK(error.problem().found == std::to_string(token));
    }
    CHECK(cache.length() == 0);
  }
}

TEST_CASE("keys beyond f16 end with an error that names the way out, under every policy", "[model]") {
  TinyLlama tiny;
  tiny.fill_tensors();
  // The same function: scores do not change.
  scale(tiny, "k_proj", 65536);
  scale(tiny, "q_proj", 1.0F / 65536);
  const Policy dense;
  const Policy topk{.selection = Selection::topk, .k = 8};
  const Policy after{.selection = Selection::topk, .placement = Placement::post_softmax, .k = 8};
  for (const Policy& policy : {dense, topk, after}) {
    const Problem problem = problem_of_running(tiny, KvType::f16, policy);
    CHECK(problem.where.find("layer 0, keys of head") != std::string::npos);
    CHECK(problem.next.find("--kv") != std::string::npos);
    CHECK(problem_of_running(tiny, KvType::f32, policy).where == "no error");
    CHECK(problem_of_running(tiny, KvType::bf16, policy).where == "no error");
  }
}

TEST_CASE("numbers that grow beyond float are found where they do", "[model]") {
  TinyLlama tiny;
  tiny.fill_tensors();
  scale(tiny, "layers.1.self_attn.o_proj", 1e30F);
  CHECK(problem_of_running(tiny, KvType::f32, {}).where.find("layer 1, attention") != std::string::npos);
  tiny.fill_tensors();
  scale(tiny, "layers.0.mlp.down_proj", 1e30F);
  CHECK(problem_of_running(tiny, KvType::f32, {}).where.find("layer 0, feed-forward") != std::string::npos);
  tiny.fill_tensors();
  scale(tiny, "lm_head", 3e38F);
  CHECK(problem_of_running(tiny, KvType::f32, {}).where.find("logits") != std::string::npos);
}
