#include "common/common_flags.hpp"
#include "common/strict.hpp"
#include "tt_eval/bench_plan.hpp"
#include "tt_eval/model_flags.hpp"

namespace toptheta::app {

void declare_bench(CLI::App& app, BenchFlags& flags) {
  const char* group = "Measuring";
  declare_model(app, flags.model);
  app.add_option("--shape", flags.shape,
                 "Instead of a model: random weights of this shape, drawn by --seed. kv-heads, head-dim and "
                 "context are optional")
      ->type_name("d=768,layers=12,heads=12,kv-heads=12,ffn=2048,vocab=32000")
      ->group(kInputGroup);
  declare_compute(app, flags.compute);
  declare_kv(app, flags.kv);
  declare_strict(app, flags.strict);
  app.add_option("--text", flags.text,
                 "Text for the model to read, repeated as needed. By default random tokens, or with the "
                 "embedded model its held-out texts")
      ->type_name("FILE.txt")
      ->group(kInputGroup);
  app.add_option(
         "--prefill", flags.prefill,
         "Lengths of the prompts in tokens; none = no prefill. By default those of 512,2048,8192 that fit")
      ->type_name("LIST")
      ->group(group);
  app.add_option("--decode-at", flags.decode_at,
                 "Time single steps with this many tokens in the cache; none = no decoding. By default those "
                 "of 1024,4096,16384 that fit")
      ->type_name("LIST")
      ->group(group);
  app.add_option("--decode-steps", flags.decode_steps, "Decode steps in each repetition; each step is timed")
      ->type_name("N")
      ->check(positive())
      ->capture_default_str()
      ->group(group);
  app.add_option("--repetitions", flags.repetitions,
                 "Timed runs of each policy, taken in turn; the median is reported. One untimed run before "
                 "them counts what is kept")
      ->type_name("N")
      ->check(positive())
      ->capture_default_str()
      ->group(group);
  app.add_option("--kept", flags.kept,
                 "Compare policies at these fractions of kept elements: thresholds are fitted to the model's "
                 "own scores on the spot, and top-k gets the k that keeps as many. The default policies are "
                 "then dense topk theta theta:prefilter=auto")
      ->type_name("0.1,0.02")
      ->group(group);
  declare_policies(app, flags.policies);
}

}  // namespace toptheta::app
