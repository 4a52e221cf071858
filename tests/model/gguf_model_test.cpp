#include "model/gguf_model.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "io/atomic_file.hpp"
#include "io/hdf5.hpp"
#include "support/gguf_llama.hpp"

namespace toptheta {

using namespace testing;

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
