// Tiny models of many families against logits of transformers, where they lie beside the source tree: every
// folder with a config.json and a reference.h5.
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "io/hdf5.hpp"
#include "model/transformer.hpp"
#include "support/catch.hpp"
#include "theta/table.hpp"

using namespace toptheta;

namespace {

std::vector<std::filesystem::path> reference_models() {
  const char* shared = std::getenv("TT_SHARED");
  const auto root =
      std::filesystem::path(shared != nullptr ? shared : "../shared") / "data" / "architectures";
  std::vector<std::filesystem::path> folders;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(root, ignored))
    if (std::filesystem::exists(entry.path() / "config.json") &&
        std::filesystem::exists(entry.path() / "reference.h5"))
      folders.push_back(entry.path());
  std::sort(folders.begin(), folders.end());
  if (folders.empty()) WARN("skipped: no models in " + root.string());
  return folders;
}

struct Reference {
  std::vector<std::int32_t> tokens;
  std::vector<double> logits;
};

Reference reference_of(const std::filesystem::path& folder) {
  const hdf5::File file = hdf5::File::open(folder / "reference.h5");
  return {file.root().open_dataset("tokens").read<std::int32_t>(),
          file.root().open_dataset("logits").read<double>()};
}

double largest_difference(std::span<const float> logits, std::span<const double> expected,
                          std::size_t first = 0) {
  double worst = 0;
  for (std::size_t i = 0; i < logits.size(); ++i) {
    const double difference = std::abs(static_cast<double>(logits[i]) - expected[first + i]);
    if (!(difference <= worst)) worst = difference;
  }
  return worst;
}

// Keeps everything: dense attention by another way.
ResolvedPolicy all_kept(const ModelShape& shape) {
  ThresholdTable table;
  table.meta.shape = shape;
  Target target{1, std::vector<std::int64_t>(static_cast<std::size_t>(shape.num_layers), 1), {}};
  target.cells.assign(static_cast<std::size_t>(shape.num_layers * shape.num_heads),
                      {ThresholdEntry{.length = 2, .theta = -1e30, .count = 1}});
  table.targets.push_back(std::move(target));
  return {{.selection = Selection::theta, .k = 1}, shape, 256, &table, "all kept"};
}

double error_of_decoding(Transformer& model, const Reference& reference, const ResolvedPolicy& policy) {
  KvCache cache = model.new_cache(std::ssize(reference.tokens));
  const auto vocabulary = static_cast<std::size_t>(model.config().vocab_size);
  double worst = 0;
  for (std::size_t t = 0; t < reference.tokens.size(); ++t)
    worst = std::max(worst, largest_difference(model.forward({&reference.tokens[t], 1}, cache, policy),
                                               reference.logits, t * vocabulary));
  return worst;
}

}  // namespace

TEST_CASE("logits of every family equal those of transformers, in prefill and decode", "[model]") {
  for (const auto& folder : reference_models()) {
    CAPTURE(folder.filename().string());
    const Reference reference = reference_of(folder);
    Transformer model = Transformer::load(folder);
    CHECK(model.config().unused.empty());
    const ModelShape& shape = model.config().shape;
    const auto prefill = [&](const ResolvedPolicy& policy) {
      KvCache cache = model.new_cache(std::ssize(reference.tokens));
      return largest_difference(model.forward(reference.tokens, cache, policy, {.first_logit_row = 0}),
                                reference.logits);
    };
    CHECK(prefill(dense_policy(shape)) < 1e-4);
    CHECK(prefill(all_kept(shape)) < 1e-4);
    CHECK(error_of_decoding(model, reference, dense_policy(shape)) < 1e-4);
    CHECK(error_of_decoding(model, reference, all_kept(shape)) < 1e-4);
  }
}
