#include "model/gguf_model.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "core/error.hpp"
#include "io/atomic_file.hpp"
#include "io/gguf.hpp"
#include "io/hdf5.hpp"
#include "model/transformer.hpp"
#include "support/catch.hpp"
#include "support/gguf_bytes.hpp"
#include "support/temp_dir.hpp"
#include "support/tiny_llama.hpp"

namespace toptheta {
namespace {

using testing::GgufBytes;
using testing::TinyLlama;

constexpr std::uint32_t kPlainFloats = 0;

std::vector<float> all_logits(Transformer& model, std::span<const std::int32_t> tokens) {
  KvCache cache = model.new_cache(std::ssize(tokens));
  const auto logits =
      model.forward(tokens, cache, dense_policy(model.config().shape), {.first_logit_row = 0});
  return {logits.begin(), logits.end()};
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const auto at = text.find(from);
  return at == std::string::npos ? text : text.replace(at, from.size(), to);
}

std::string gguf_name(const std::string& name) {
  static const std::pair<const char*, const char*> names[] = {{"model.embed_tokens", "token_embd"},
                                                              {"model.norm", "output_norm"},
                                                              {"lm_head", "output"},
                                                              {"model.layers.", "blk."},
                                                              {"input_layernorm", "attn_norm"},
                                                              {"post_attention_layernorm", "ffn_norm"},
                                                              {"self_attn.q_proj", "attn_q"},
                                                              {"self_attn.k_proj", "attn_k"},
                                                              {"self_attn.v_proj", "attn_v"},
                                                              {"self_attn.o_proj", "attn_output"},
                                                              {"mlp.gate_proj", "ffn_gate"},
                                                              {"mlp.up_proj", "ffn_up"},
                                                              {"mlp.down_proj", "ffn_down"}};
  std::string result = name;
  for (const auto& [from, to] : names)
    result = replaced(result, from, to);
  return result;
}

// llama.cpp's files hold rows of queries and keys in the order 0, d/2, 1, d/2 + 1 ... of each head.
std::vector<float> in_pairs(const testing::TinyTensor& tensor, std::int64_t head_dim) {
  const std::int64_t rows = tensor.shape.front();
  const std::int64_t width = std::ssize(tensor.values) / rows;
  std::vector<float> values;
  for (std::int64_t r = 0; r < rows; ++r) {
    const std::int64_t within = r % head_dim;
    const std::int64_t from = r - within + within / 2 + within % 2 * (head_dim / 2);
    values.insert(values.end(), tensor.values.begin() + from * width,
                  tensor.values.begin() + (from + 1) * width);
  }
  return values;
}

std::string bytes_of_floats(const std::vector<float>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float)};
}

// Blocks of that type near these values. The scale of Q8_0 and Q4_1 is 2^-10 of a half float's one; of Q6_K a
// byte times it.
std::string quantised(const std::vector<float>& values, int type) {
  const auto code = [](float value, float scale, int zero, int most) {
    return std::clamp(static_cast<int>(std::lround(value / scale)) + zero, 0, most);
  };
  const std::string unit("\x00\x14", 2);  // 2^-10 as a half float
  std::string bytes;
  for (std::size_t first = 0; first < values.size(); first += type == 14 ? 256 : 32) {
    const float* const x = values.data() + first;
    if (type == 8) {
      bytes += unit;
      for (int i = 0; i < 32; ++i)
        bytes += static_cast<char>(code(x[i], 0x1p-10F, 128, 255) - 128);
    } else if (type == 3) {
      bytes += std::string("\x00\x24", 2) + std::string("\x00\xA8", 2);  // 2^-6, -2^-5
      for (int i = 0; i < 16; ++i)
        bytes += static_cast<char>(code(x[i] + 0x1p-5F, 0x1p-6F, 0, 15) |
                                   code(x[i + 16] + 0x1p-5F, 0x1p-6F, 0, 15) << 4);
    } else {
      std::string low(128, '\0');
      std::string high(64, '\0');
      for (std::size_t i = 0; i < 256; ++i) {
        const int c = code(x[i], static_cast<float>(i / 16 + 1) * 0x1p-10F, 32, 63);
        low[i / 128 * 64 + i % 64] |= static_cast<char>((c & 15) << (i % 128 / 64 * 4));
        high[i / 128 * 32 + i % 32] |= static_cast<char>((c >> 4) << (i % 128 / 32 * 2));
      }
      bytes += low + high;
      for (int group = 0; group < 16; ++group)
        bytes += static_cast<char>(group + 1);
      bytes += unit;
    }
  }
  return bytes;
}

using TypeOf = std::function<int(const std::string&)>;
const TypeOf kAllFloats = [](const std::string&) { return 0; };

// `coded`: weights that are not floats, but for the embedding's.
GgufBytes gguf_of(const TinyLlama& tiny, const TypeOf& type_of, std::int64_t& coded) {
  GgufBytes gguf;
  gguf.text("general.architecture", "llama");
  const auto whole = [&](const char* name, std::int64_t value) {
    gguf.whole("llama." + std::string(name), static_cast<std::uint32_t>(value));
  };
  whole("block_count", tiny.layers);
  whole("context_length", tiny.context);
  whole("embedding_length", tiny.hidden);
  whole("feed_forward_length", tiny.ffn);
  whole("attention.head_count", tiny.heads);
  whole("attention.head_count_kv", tiny.kv_heads);
  whole("attention.key_length", tiny.head_dim);
  whole("attention.value_length", tiny.head_dim);
  gguf.number("llama.attention.layer_norm_rms_epsilon", 1e-5F);
  for (const auto& [name, tensor] : tiny.tensors) {
    const bool rotated = name.find("q_proj") != std::string::npos || name.find("k_proj") != std::string::npos;
    const std::vector<float> values = rotated ? in_pairs(tensor, tiny.head_dim) : tensor.values;
    const std::vector<std::uint64_t> dims(tensor.shape.rbegin(), tensor.shape.rend());
    const int type = dims.size() == 2 ? type_of(gguf_name(name)) : 0;
    if (type != 0 && gguf_name(name).find("token_embd") == std::string::npos) coded += std::ssize(values);
    gguf.tensor(gguf_name(name), dims, type == 0 ? kPlainFloats : static_cast<std::uint32_t>(type),
                type == 0 ? bytes_of_floats(values) : quantised(values, type));
  }
  return gguf;
}

GgufBytes gguf_of(const TinyLlama& tiny) {
  std::int64_t none = 0;
  return gguf_of(tiny, kAllFloats, none);
}

Problem refused_model(const testing::TempDir& dir, const std::function<void(GgufBytes&)>& change,
                      const TinyLlama& tiny) {
  GgufBytes gguf = gguf_of(tiny);
  change(gguf);
  write_file_atomically(dir.path("x.gguf"), gguf.bytes());
  try {
    (void)Transformer::load(dir.path("x.gguf"));
  } catch (const InputError& error) {
    return error.problem();
  }
  FAIL("no InputError");
  return {};
}

}  // namespace

TEST_CASE("a LLaMA as GGUF has the logits of the same model in Hugging Face's layout") {
  const testing::TempDir dir;
  TinyLlama tiny;
  tiny.tied = GENERATE(false, true);
  tiny.attention_bias = GENERATE(false, true);
  tiny.fill_tensors();
  tiny.write(dir.path("tiny"));
  write_file_atomically(dir.path("tiny.gguf"), gguf_of(tiny).bytes());
  Transformer directory = Transformer::load(dir.path("tiny"));
  Transformer file = Transformer::load(dir.path("tiny.gguf"));
  CHECK(file.config().unused.empty());
  CHECK(file.config().tied_embeddings == tiny.tied);
  const std::vector<std::int32_t> tokens = {1, 7, 3, 49, 0, 12, 12, 5};
  const std::vector<float> expected = all_logits(directory, tokens);
  const std::vector<float> found = all_logits(file, tokens);
  REQUIRE(found.size() == expected.size());
  // Epsilon is a float here and a double there.
  for (std::size_t i = 0; i < found.size(); ++i)
    CHECK(found[i] == Approx(expected[i]).margin(1e-5));
}

TEST_CASE("GGUF models that cannot be computed are refused by key or tensor, and unknown keys are named") {
  const testing::TempDir dir;
  TinyLlama tiny;
  tiny.fill_tensors();
  const std::string file = dir.path("x.gguf").string();
  const auto problem = [&](const std::function<void(GgufBytes&)>& change) {
    return refused_model(dir, change, tiny);
  };
  CHECK(problem([](GgufBytes& g) { g.whole("split.count", 2); }).where == file + ": key 'split.count'");
  CHECK(problem([](GgufBytes& g) { g.text("llama.rope.scaling.type", "spiral"); }).found == "spiral");
  for (const char* type : {"linear", "yarn", "longrope"})
    CHECK(problem([type](GgufBytes& g) {
            g.text("llama.rope.scaling.type", type);
          }).what.find("the file scales") == 0);
  CHECK(problem([](GgufBytes& g) {
          g.text("llama.rope.scaling.type", "none");
          g.number("llama.rope.scaling.factor", 4);
        }).found == "none, with a factor of 4");
  CHECK(problem([](GgufBytes& g) {
          g.number("llama.rope.scale_linear", 2);
          g.number("llama.rope.scaling.factor", 4);
        }).where == file + ": key 'llama.rope.scaling.factor'");
  CHECK(problem([](GgufBytes& g) { g.text("general.type", "adapter"); }).where ==
        file + ": key 'general.type'");
  CHECK(problem([](GgufBytes& g) { g.whole("split.no", 1); }).where == file + ": key 'split.no'");
  CHECK(problem([](GgufBytes& g) { g.whole("split.tensors.count", 900); }).where ==
        file + ": key 'split.tensors.count'");
  CHECK(problem([](GgufBytes& g) { g.whole("llama.vocab_size", 51); }).what.find("contradicts") == 0);
  CHECK(problem([](GgufBytes& g) { g.whole("llama.rope.dimension_count", 5); }).what == "impossible value");
  CHECK(problem([](GgufBytes& g) { g.whole("llama.rope.dimension_count", 8); }).what == "impossible value");
  CHECK(problem([](GgufBytes& g) { g.whole("tokenizer.ggml.bos_token_id", 50); }).what.find("no token") == 0);
  CHECK(problem([](GgufBytes& g) { g.whole("llama.expert_count", 4); }).where ==
        file + ": key 'llama.expert_used_count'");
  CHECK(problem([](GgufBytes& g) {
          g.whole("llama.expert_count", 4);
          g.whole("llama.expert_used_count", 2);
          g.whole("llama.expert_group_count", 2);
        }).where == file + ": key 'llama.expert_group_count'");
  CHECK(problem([](GgufBytes& g) {
          g.tensor("rope_freqs.weight", {2}, kPlainFloats, std::string(8, '\0'));
        }).where == file + ": tensor 'rope_freqs.weight'");
  TinyLlama lacking = tiny;
  lacking.tensors.erase("model.layers.1.self_attn.k_proj.weight");
  CHECK(refused_model(
            dir, [](GgufBytes&) {}, lacking)
            .where.find("blk.1.attn_k.weight") != std::string::npos);

  GgufBytes strange;
  strange.text("general.architecture", "mamba");
  write_file_atomically(dir.path("y.gguf"), strange.bytes());
  try {
    (void)open_model(dir.path("y.gguf"));
    FAIL("no InputError");
  } catch (const InputError& error) {
    CHECK(error.problem().found == "mamba");
    CHECK(error.problem().expected.find("gemma3") != std::string::npos);
  }

  GgufBytes more = gguf_of(tiny);
  more.number("llama.attention.wobble", 2);
  more.text("general.name", "harmless");
  write_file_atomically(dir.path("x.gguf"), more.bytes());
  CHECK(open_model(dir.path("x.gguf")).config.unused ==
        std::vector<std::string>{file + ": key 'llama.attention.wobble'"});
}

TEST_CASE("biases of RMS norms, which nothing adds, are refused in layers and named elsewhere") {
  const testing::TempDir dir;
  TinyLlama tiny;
  tiny.fill_tensors();
  const std::string file = dir.path("x.gguf").string();
  const auto bias = [&](GgufBytes& g, const char* name) {
    g.tensor(name, {static_cast<std::uint64_t>(tiny.hidden)}, kPlainFloats,
             bytes_of_floats(std::vector<float>(static_cast<std::size_t>(tiny.hidden), 1)));
  };
  CHECK(refused_model(
            dir, [&](GgufBytes& g) { bias(g, "blk.0.attn_norm.bias"); }, tiny)
            .where == file + ": tensor 'blk.0.attn_norm.bias'");
  GgufBytes gguf = gguf_of(tiny);
  bias(gguf, "output_norm.bias");
  write_file_atomically(dir.path("x.gguf"), gguf.bytes());
  const Transformer model = Transformer::load(dir.path("x.gguf"));
  CHECK(model.config().unused == std::vector<std::string>{file + ": tensor 'output_norm.bias'"});
}

TEST_CASE("what llama.cpp takes from the architecture is taken from the file where it says it") {
  const testing::TempDir dir;
  TinyLlama tiny;
  tiny.layers = 6;
  tiny.fill_tensors();
  const auto config = [&](const std::function<void(GgufBytes&)>& change) {
    GgufBytes gguf = gguf_of(tiny);
    change(gguf);
    write_file_atomically(dir.path("x.gguf"), gguf.bytes());
    return open_model(dir.path("x.gguf")).config;
  };
  const auto plain = config([](GgufBytes&) {});
  CHECK(std::all_of(plain.layers.begin(), plain.layers.end(),
                    [](const LayerKind& l) { return l.window == 0; }));
  CHECK(plain.ropes.front().theta == 10000);
  const auto window = config([](GgufBytes& g) { g.whole("llama.attention.sliding_window", 12); });
  CHECK(window.layers.front().window == 12);
  CHECK(window.layers.back().window == 12);
  const auto pattern = config([](GgufBytes& g) {
    g.whole("llama.attention.sliding_window", 12);
    g.whole("llama.attention.sliding_window_pattern", 3);
  });
  CHECK(pattern.layers[1].window == 12);
  CHECK(pattern.layers[2].window == 0);
  const auto yarn = config([](GgufBytes& g) {
    g.text("llama.rope.scaling.type", "yarn");
    g.number("llama.rope.scaling.factor", 4);
    g.whole("llama.rope.scaling.original_context_length", 32);
  });
  CHECK(yarn.ropes.front().scaling.attention_factor == Approx(0.1 * std::log(4) + 1));
  CHECK(yarn.ropes.front().scaling.original_context == 32);
}

TEST_CASE("scalings of GGUF files in which programs differ") {
  const testing::TempDir dir;
  TinyLlama tiny;
  tiny.fill_tensors();
  const auto changed = [&](const std::string& type, const std::function<void(GgufBytes&)>& change) {
    return [type, change](GgufBytes& g) {
      g.text("llama.rope.scaling.type", type);
      g.number("llama.rope.scaling.factor", 4);
      change(g);
    };
  };
  const auto rope = [&](const std::string& type, const std::function<void(GgufBytes&)>& change) {
    GgufBytes gguf = gguf_of(tiny);
    changed(type, change)(gguf);
    write_file_atomically(dir.path("x.gguf"), gguf.bytes());
    return open_model(dir.path("x.gguf")).config.ropes.front();
  };
  // A whole attention factor, as converters write it: right where it is the usual one.
  const auto attention = [](float factor) {
    return [=](GgufBytes& g) { g.number("llama.rope.scaling.yarn_attn_factor", factor); };
  };
  CHECK(rope("yarn", attention(1.1386294F)).scaling.attention_factor == Approx(0.1 * std::log(4) + 1));
  CHECK(refused_model(dir, changed("yarn", attention(1.2F)), tiny).found == "1.2000000476837158");
  // Longrope is nothing without its tensors of factors; beside them its factor divides all frequencies.
  CHECK(refused_model(dir, changed("longrope", [](GgufBytes&) {}), tiny).found == "longrope");
  const std::vector<float> factors(static_cast<std::size_t>(tiny.head_dim / 2), 3.0F);
  const Rope longrope = rope("longrope", [&](GgufBytes& g) {
    for (const char* name : {"rope_factors_short.weight", "rope_factors_long.weight"})
      g.tensor(name, {factors.size()}, kPlainFloats, bytes_of_floats(factors));
  });
  CHECK(longrope.scaling.kind == RopeScaling::Kind::longrope);
  CHECK(longrope.scaling.long_factors.front() == 12);
}

TEST_CASE("a GGUF head's bias beside tied embeddings is added") {
  const testing::TempDir dir;
  TinyLlama tiny;
  tiny.tied = true;
  tiny.fill_tensors();
  GgufBytes gguf = gguf_of(tiny);
  write_file_atomically(dir.path("plain.gguf"), gguf.bytes());
  std::vector<float> bias;
  for (std::int64_t i = 0; i < tiny.vocab; ++i)
    bias.push_back(static_cast<float>(i));
  gguf.tensor("output.bias", {bias.size()}, kPlainFloats, bytes_of_floats(bias));
  write_file_atomically(dir.path("bias.gguf"), gguf.bytes());
  Transformer plain = Transformer::load(dir.path("plain.gguf"));
  Transformer with_bias = Transformer::load(dir.path("bias.gguf"));
  CHECK(with_bias.config().unused.empty());
  const std::vector<std::int32_t> tokens = {1, 7, 3};
  const std::vector<float> before = all_logits(plain, tokens);
  const std::vector<float> after = all_logits(with_bias, tokens);
  for (std::size_t i = 0; i < after.size(); ++i)
    CHECK(after[i] == Approx(before[i] + bias[i % bias.size()]).margin(1e-4));
}

TEST_CASE(
    "under q8 a quantised file's integers are kept, and logits differ by the rounding of inputs alone") {
  const testing::TempDir dir;
  TinyLlama tiny;
  tiny.hidden = 256;  // whole blocks of every type
  tiny.ffn = 64;
  tiny.tied = GENERATE(false, true);
  tiny.fill_tensors();
  // Queries and keys of 16 weights a scale beside values of 32; embeddings of 32; the rest floats.
  std::int64_t coded = 0;
  GgufBytes gguf = gguf_of(
      tiny,
      [&](const std::string& name) {
        if (name.find("token_embd") != std::string::npos) return 8;  // Q8_0
        if (name.find("attn_q") != std::string::npos || name.find("attn_k.") != std::string::npos)
          return 14;  // Q6_K
        if (name.find("attn_v") != std::string::npos || name.find("ffn_gate") != std::string::npos)
          return 3;  // Q4_1
        return 0;
      },
      coded);
  write_file_atomically(dir.path("tiny.gguf"), gguf.bytes());
  Transformer exact = Transformer::load(dir.path("tiny.gguf"));
  Transformer small = Transformer::load(dir.path("tiny.gguf"), Compute::q8);
  CHECK(exact.weight_size().kept_codes == 0);
  CHECK(small.weight_size().kept_codes == coded + (tiny.tied ? tiny.vocab * tiny.hidden : 0));
  CHECK(small.weight_size().parameters == exact.weight_size().parameters);
  CHECK(small.weight_size().bytes < exact.weight_size().bytes / 2);
  const std::vector<std::int32_t> tokens = {1, 7, 3, 49, 0, 12, 12, 5};
  const std::vector<float> expected = all_logits(exact, tokens);
  std::vector<float> decoded;
  KvCache cache = small.new_cache(std::ssize(tokens));
  for (const std::int32_t token : tokens) {
    const auto logits = small.forward({&token, 1}, cache, dense_policy(small.config().shape));
    decoded.insert(decoded.end(), logits.begin(), logits.end());
  }
  for (const std::vector<float>& found : {all_logits(small, tokens), decoded}) {
    REQUIRE(found.size() == expected.size());
    double error = 0;
    double size = 0;
    for (std::size_t i = 0; i < found.size(); ++i) {
      error += std::pow(static_cast<double>(found[i]) - static_cast<double>(expected[i]), 2);
      size += std::pow(static_cast<double>(expected[i]), 2);
    }
    CHECK(std::sqrt(error / size) < 0.03);
  }
}

TEST_CASE("tiny models as GGUF have transformers' logits", "[model]") {
  const std::filesystem::path root = "../shared/data/architectures";
  std::vector<std::filesystem::path> folders;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(root, ignored))
    if (std::filesystem::exists(entry.path() / "model.gguf")) folders.push_back(entry.path());
  if (folders.empty()) WARN("skipped: no GGUF files in " + root.string());
  for (const auto& folder : folders) {
    INFO(folder.string());
    const auto file = hdf5::File::open(folder / "reference.h5");
    const auto tokens = file.root().open_dataset("tokens").read<std::int32_t>();
    const auto expected = file.root().open_dataset("logits").read<double>();
    Transformer model = Transformer::load(folder / "model.gguf");
    CHECK(model.config().unused == std::vector<std::string>{});
    const std::vector<float> found = all_logits(model, tokens);
    REQUIRE(found.size() == expected.size());
    double worst = 0;
    for (std::size_t i = 0; i < found.size(); ++i)
      worst = std::max(worst, std::abs(static_cast<double>(found[i]) - expected[i]));
    CHECK(worst < 1e-4);
  }
}

}  // namespace toptheta
