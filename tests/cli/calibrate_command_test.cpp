// tt-calibrate as a user runs it.
#include <cmath>
#include <nlohmann/json.hpp>

#include "cli/world.hpp"
#include "dump/dump_file.hpp"
#include "io/hdf5.hpp"
#include "support/catch.hpp"
#include "theta/formats/table_file.hpp"

using namespace toptheta;
using namespace toptheta::testing;

namespace {

// Equal but for where they came from.
void require_same_thresholds(const ThresholdTable& a, const ThresholdTable& b) {
  REQUIRE(a.targets.size() == b.targets.size());
  for (std::size_t t = 0; t < a.targets.size(); ++t) {
    CHECK(a.targets[t].k == b.targets[t].k);
    CHECK(a.targets[t].layer_k == b.targets[t].layer_k);
    REQUIRE(a.targets[t].cells.size() == b.targets[t].cells.size());
    for (std::size_t c = 0; c < a.targets[t].cells.size(); ++c) {
      REQUIRE(a.targets[t].cells[c].size() == b.targets[t].cells[c].size());
      for (std::size_t i = 0; i < a.targets[t].cells[c].size(); ++i) {
        CHECK(a.targets[t].cells[c][i].length == b.targets[t].cells[c][i].length);
        CHECK(a.targets[t].cells[c][i].theta == b.targets[t].cells[c][i].theta);
        CHECK(a.targets[t].cells[c][i].count == b.targets[t].cells[c][i].count);
      }
    }
  }
}

std::vector<std::int32_t> lengths_of(const ThresholdTable& table) {
  std::vector<std::int32_t> lengths;
  for (const ThresholdEntry& entry : table.targets[0].cells[0])
    lengths.push_back(entry.length);
  return lengths;
}

}  // namespace

TEST_CASE("thresholds fitted from a dump equal those fitted from the model") {
  const World world;
  (void)world.output("tt-calibrate fit --model model --text a.txt b.txt -k 4,8 --add-sigma 0.5 -o direct.h5");
  const ThresholdTable direct = load_table(world.path("direct.h5"));
  REQUIRE(direct.targets.size() == 2);
  for (const std::string content : {"scores", "qk"}) {
    (void)world.output("tt-calibrate dump --model model --text a.txt b.txt --element float32 --content " +
                       content + " -o full.h5");
    (void)world.output("tt-calibrate fit full.h5 -k 4,8 --add-sigma 0.5 -o dumped.h5");
    require_same_thresholds(direct, load_table(world.path("dumped.h5")));
  }
}

TEST_CASE("sampled rows are the same from the model, from a full dump and from a sampled dump") {
  const World world;
  const std::string rows = " --row-fraction 0.3 --seed 7";
  (void)world.output("tt-calibrate fit --model model --text a.txt b.txt -k 8 -o direct.h5" + rows);
  (void)world.output("tt-calibrate dump --model model --text a.txt b.txt --element float32 -o full.h5");
  (void)world.output("tt-calibrate fit full.h5 -k 8 -o full-theta.h5" + rows);
  (void)world.output("tt-calibrate dump --model model --text a.txt b.txt --element float32 -k 8 -o part.h5" +
                     rows);
  (void)world.output("tt-calibrate fit part.h5 -k 8 -o part-theta.h5");
  const ThresholdTable direct = load_table(world.path("direct.h5"));
  require_same_thresholds(direct, load_table(world.path("full-theta.h5")));
  require_same_thresholds(direct, load_table(world.path("part-theta.h5")));
  (void)world.output(
      "tt-calibrate fit --model model --text a.txt b.txt -k 8 --row-fraction 0.3 --seed 8 -o other.h5");
  CHECK(lengths_of(load_table(world.path("other.h5"))) != lengths_of(direct));
}

TEST_CASE("the same bytes at one and at two threads") {
  const World world;
  for (const std::string threads : {"1", "2"}) {
    (void)world.output(
        "tt-calibrate fit --model model --text a.txt -k 4,8 --tac --sdc-offline -o theta.h5 --threads " +
        threads);
    (void)world.output("tt-calibrate dump --model model --text a.txt --content scores -o d.h5 --threads " +
                       threads);
    std::filesystem::rename(world.path("theta.h5"), world.path("theta" + threads));
    std::filesystem::rename(world.path("d.h5"), world.path("d" + threads));
  }
  CHECK(world.content("theta1") == world.content("theta2"));
  CHECK(world.content("d1") == world.content("d2"));
}

TEST_CASE("top-k at calibration changes what later layers are seen to do, not the first") {
  const World world;
  (void)world.output("tt-calibrate fit --model model --text a.txt -k 4 -o dense.h5");
  (void)world.output("tt-calibrate fit --model model --text a.txt -k 4 --tac -o tac.h5");
  const ThresholdTable dense = load_table(world.path("dense.h5"));
  const ThresholdTable tac = load_table(world.path("tac.h5"));
  CHECK_FALSE(dense.meta.topk_at_calibration);
  CHECK(tac.meta.topk_at_calibration);
  CHECK(dense.targets[0].cells[0][0].theta == tac.targets[0].cells[0][0].theta);
  double difference = 0;
  for (std::size_t i = 0; i < dense.targets[0].cells[4].size(); ++i)
    difference += std::fabs(dense.targets[0].cells[4][i].theta - tac.targets[0].cells[4][i].theta);
  CHECK(difference > 1e-3);
}

TEST_CASE("a table goes through the authors' text and comes back the same") {
  const World world;
  (void)world.output("tt-calibrate fit --model model --text a.txt -k 8 --sdc-offline -o theta.h5");
  (void)world.output("tt-calibrate convert theta.h5 -o th.txt");
  (void)world.output("tt-calibrate convert theta.h5 --what sdc -o sdc.txt");
  (void)world.output("tt-calibrate convert th.txt --sdc sdc.txt -o back.h5");
  (void)world.output("tt-calibrate convert back.h5 -o th2.txt");
  (void)world.output("tt-calibrate convert back.h5 --what sdc -o sdc2.txt");
  CHECK(world.content("th.txt").starts_with("L0_H0:9 "));
  CHECK(world.content("th.txt") == world.content("th2.txt"));
  CHECK(world.content("sdc.txt") == world.content("sdc2.txt"));
}

TEST_CASE("CSV and JSON of a table") {
  const World world;
  (void)world.output("tt-calibrate fit --model model --text a.txt -k 4,8 -o theta.h5");
  (void)world.output("tt-calibrate convert theta.h5 -k 8 -o t.csv");
  CHECK(world.content("t.csv").starts_with("layer,head,length,k,theta,std,count,sdc,kept_mass\n0,0,9,8,"));
  (void)world.output("tt-calibrate convert theta.h5 -o t.json");
  (void)world.output("tt-calibrate convert t.json -o t2.h5");
  CHECK(world.content("theta.h5") == world.content("t2.h5"));
  CHECK(world.run("tt-calibrate convert theta.h5 --placement post-softmax -o x.json").status == 2);
  CHECK_FALSE(world.has("x.json"));
  const auto err_of = [&world](const std::string& flags) {
    return world.run("tt-calibrate convert t.csv -o back.json" + flags).err;
  };
  CHECK(err_of("").find("does not record its placement") != std::string::npos);
  CHECK(err_of(" --placement pre-softmax").empty());
  (void)world.output("tt-calibrate convert theta.h5 --smooth 2 -o smooth.h5");
  CHECK(load_table(world.path("smooth.h5")).targets.size() == 2);
}

TEST_CASE("show gives layers, heads or single rows") {
  const World world;
  (void)world.output("tt-calibrate fit --model model --text a.txt -k 4,8 --layer-k 1:dense -o theta.h5");
  const auto rows = [&](const std::string& flags) {
    return nlohmann::json::parse(world.output("tt-calibrate show theta.h5 --format json " + flags))
        .at("rows");
  };
  CHECK(rows("").size() == 4);
  CHECK(rows("").at(1).at("layer_k") == "dense");
  CHECK(rows("--layer 0").size() == 8);
  CHECK(rows("--layer 0 --k 4").size() == 4);
  CHECK(rows("--head 1 --k 4").size() == 2);
  const auto entries = rows("--layer 0 --head 3 --k 8");
  CHECK(entries.at(0).at("length") == 9);
  CHECK(entries.at(0).at("sdc").is_null());
  CHECK(world.output("tt-calibrate show theta.h5").find("thresholds for model: 2 layers") == 0);
}

TEST_CASE("show tells which heads have a law for rho, and its coefficients") {
  const World world;
  (void)world.output(
      "tt-calibrate fit --model model --text a.txt -k 3 --sdc calibrated --rho-law -o theta.h5");
  const Target target = load_table(world.path("theta.h5")).targets.at(0);
  REQUIRE(target.rho_law_of(1).any());
  const auto rows =
      nlohmann::json::parse(world.output("tt-calibrate show theta.h5 --format json --layer 0 --head 1"))
          .at("rows");
  CHECK(rows.at(0).at("rho_law_0") == target.rho_law_of(1).constant);
  CHECK(rows.at(0).at("rho_law_1") == target.rho_law_of(1).of_length);
  CHECK(rows.at(0).at("rho_law_2") == target.rho_law_of(1).of_kept);
  CHECK(rows.at(0).at("rho") == target.cells[1][0].rho);
  CHECK(world.output("tt-calibrate show theta.h5 --format csv").find(",rho,rho_laws\n") != std::string::npos);
  const std::string text = world.output("tt-calibrate show theta.h5 --layer 0");
  CHECK(text.find("law c2") != std::string::npos);
  CHECK(text.find("ln rho = c0 + c1 ln n + c2 ln n_kept") != std::string::npos);
  (void)world.output("tt-calibrate report theta.h5 -o page.html");
  CHECK(world.content("page.html").find("A law for rho of calibrated SDC in 8 of 8 heads (k = 3).") !=
        std::string::npos);
}

TEST_CASE("fit summarises in every format") {
  const World world;
  const std::string fit = "tt-calibrate fit --model model --text a.txt -k 4 -o theta.h5 --format ";
  CHECK(world.output(fit + "csv").starts_with("k,layer,layer_k,"));
  CHECK(world.output(fit + "md").find("| k | layer |") != std::string::npos);
  CHECK(nlohmann::json::parse(world.output(fit + "json")).at("schema") == "toptheta.show/1");
}

TEST_CASE("a dump of a model with sink logits gives the model's own post-softmax thresholds") {
  const std::filesystem::path model = std::filesystem::absolute("../shared/data/architectures/gpt_oss");
  if (!std::filesystem::exists(model / "config.json")) {
    WARN("passed over: no ../shared/data/architectures/gpt_oss");
    return;
  }
  const World world;
  const std::string source = "--model " + model.string() + " --text " + (model / "text.txt").string() +
                             " --context 12 ";  // its window
  (void)world.output("tt-calibrate dump " + source + "--content scores -o sinks.h5");
  for (const std::string placement : {"post-softmax", "running-softmax", "pre-softmax"}) {
    const std::string fit = " -k 3 --placement " + placement;
    (void)world.output("tt-calibrate fit sinks.h5 -o from-dump.h5" + fit);
    (void)world.output("tt-calibrate fit " + source + "-o from-model.h5" + fit);
    require_same_thresholds(load_table(world.path("from-dump.h5")), load_table(world.path("from-model.h5")));
  }
}

TEST_CASE("fit says that post-softmax thresholds serve running-softmax placement better") {
  const World world;
  const std::string better = "--attention theta:placement=running-softmax,vmc";
  const Outcome own =
      world.run("tt-calibrate fit --model model --text a.txt -k 3 --placement running-softmax -o own.h5");
  CHECK(own.status == 0);
  const std::size_t note = own.err.find("note: post-softmax thresholds lose less");
  CHECK(note != std::string::npos);
  CHECK(own.err.find("note: post-softmax", note + 1) == std::string::npos);  // said once
  CHECK(own.err.find(better) != std::string::npos);
  const Outcome post =
      world.run("tt-calibrate fit --model model --text a.txt -k 3 --placement post-softmax -o post.h5");
  CHECK(post.status == 0);
  CHECK(post.err.find("running-softmax") == std::string::npos);
  CHECK(world.run("tt-eval run --model model --task a.txt --thresholds post.h5 " + better).status == 0);
}

TEST_CASE("rho for running-softmax placement needs rows of more than two tiles") {
  const World world;
  const std::string running = " --placement post-softmax --sdc calibrated ";
  const Outcome brief = world.run("tt-calibrate fit --model model --text a.txt -k 8 -o short.h5" + running);
  CHECK(brief.status == 0);
  CHECK(brief.err.find("so the table has no rho for calibrated SDC") != std::string::npos);
  const Outcome refused = world.run(
      "tt-eval run --model model --task a.txt --thresholds short.h5 --attention "
      "theta:placement=running-softmax,sdc=calibrated");
  CHECK(refused.status == 2);
  CHECK(refused.err.find("on rows of more than 256 keys") != std::string::npos);

  DumpSpec spec;
  spec.kv_len = 300;
  spec.fill = [](hdf5::Group& layer) { write_floats(layer, "scores", {kHeads, 300, 300}, scores(300, 300)); };
  write_dump(world.path("long.h5"), spec);
  const std::string fit = "tt-calibrate fit long.h5 -k 8 --curve -o t.h5";
  for (const std::string placement : {"post-softmax", "running-softmax"}) {
    const Outcome done =
        world.run("tt-calibrate fit long.h5 -k 8 --sdc calibrated -o t.h5 --placement " + placement);
    CHECK(done.status == 0);
    CHECK(done.err.find("no rho") == std::string::npos);
    const ThresholdTable table = load_table(world.path("t.h5"));
    CHECK(table.has_rho());
    for (const auto& cell : table.targets[0].cells)
      for (const ThresholdEntry& entry : cell)
        CHECK(std::isnan(entry.rho) == (entry.length <= 256));
    for (const std::string more : {"--sdc both", "--sdc offline", "--sdc calibrated --rho-law"})
      CHECK(world.run("tt-calibrate fit long.h5 -k 8 -o x.h5 --placement " + placement + " " + more).status ==
            2);
  }
  (void)world.output(fit + running);
  const Outcome retargeted = world.run("tt-calibrate retarget t.h5 -k 9 -o other.h5");
  CHECK(retargeted.status == 0);
  CHECK(retargeted.err.find("the new thresholds have no rho") != std::string::npos);
  CHECK_FALSE(load_table(world.path("other.h5")).has_rho());
  CHECK(world.run("tt-calibrate retarget t.h5 -k 9 -o other.h5 --sdc calibrated").status == 2);
}

TEST_CASE("token ids calibrate as the text does that they are of") {
  const World world;
  const Outcome text = world.run("tt-eval tokenize --model model --text a.txt --format json -o ids.json");
  REQUIRE(text.status == 0);
  // The same with the start token that a text gets.
  nlohmann::json ids = nlohmann::json::parse(world.content("ids.json")).at("ids");
  (void)world.output("tt-calibrate dump --model model --text a.txt -o text.h5");
  (void)world.output("tt-calibrate dump --model model --ids ids.json -o plain.h5");
  const hdf5::File dump = hdf5::File::open(world.path("text.h5"));
  const auto tokens = dump.root().open_dataset("samples/000000/tokens").read<std::int32_t>();
  const auto plain = hdf5::File::open(world.path("plain.h5"))
                         .root()
                         .open_dataset("samples/000000/tokens")
                         .read<std::int32_t>();
  CHECK(plain == ids.get<std::vector<std::int32_t>>());  // as they stand
  world.write("same.json", nlohmann::json(tokens).dump());
  (void)world.output("tt-calibrate fit --model model --text a.txt -k 3 -o text-t.h5");
  (void)world.output("tt-calibrate fit --model model --ids same.json -k 3 -o ids-t.h5");
  require_same_thresholds(load_table(world.path("text-t.h5")), load_table(world.path("ids-t.h5")));
  CHECK(load_table(world.path("ids-t.h5")).meta.provenance.inputs.back().path == "same.json");
  world.write("two.jsonl", "[1, 2, 3, 4, 5]\n{\"ids\": [5, 4, 3, 2]}\n");
  (void)world.output("tt-calibrate dump --model model --ids two.jsonl -o two.h5");
  CHECK(hdf5::File::open(world.path("two.h5")).root().open_group("samples").links().size() == 2);
  world.write("bad.json", "[1, 2, 100000000]");
  CHECK(world.run("tt-calibrate fit --model model --ids bad.json -k 3 -o x.h5").status == 3);
  world.write("none.json", "[]");
  CHECK(world.run("tt-calibrate fit --model model --ids none.json -k 3 -o x.h5").status == 3);
  CHECK(world.run("tt-calibrate fit dump.h5 --ids same.json -k 3 -o x.h5").status == 2);
}

TEST_CASE("report makes a page of every form that is read back, and refuses the others") {
  const World world;
  (void)world.output("tt-calibrate fit --model model --text a.txt b.txt -k 4,8 -o theta.h5");
  (void)world.output(
      "tt-calibrate audit theta.h5 --model model --text a.txt b.txt --format json -o audit.json");
  for (const std::string form : {"h5", "json", "csv", "txt"}) {
    INFO(form);
    if (form != "h5") (void)world.output("tt-calibrate convert theta.h5 -o theta." + form);
    (void)world.output("tt-calibrate report theta." + form + " --audit audit.json -o " + form + ".html");
    const std::string page = world.content(form + ".html");
    CHECK(page.starts_with("<!doctype html>"));
    CHECK(page.find("k = 4, 8") != std::string::npos);
    CHECK(page.find("times the k asked for") != std::string::npos);
  }
  (void)world.output("tt-calibrate report theta.h5 -k 8 -o one.html --figures figures");
  CHECK(world.content("one.html").find("id='thresholds-k4'") == std::string::npos);
  CHECK(world.has("figures/theta-by-length-layer-0.svg"));
  CHECK(world.run("tt-calibrate report theta.h5 -k 5 -o x.html").status == 2);
  CHECK(world.run("tt-calibrate report theta.h5 --placement post-softmax -o x.html").status == 2);
  CHECK(world.run("tt-calibrate report theta.h5 -o theta.h5").status == 2);
  (void)world.output("tt-calibrate convert theta.h5 -k 8 -o theta.npz");
  CHECK(world.run("tt-calibrate report theta.npz -o x.html").status == 2);
  CHECK(world.run("tt-calibrate report theta.h5 --audit a.txt -o x.html").status == 3);
  CHECK_FALSE(world.has("x.html"));
}

TEST_CASE("a text that is given twice, under whatever name, is named") {
  const World world;
  const auto err_of = [&world](const std::string& texts) {
    return world.run("tt-calibrate fit --model model --text " + texts + " -k 8 -o x.h5").err;
  };
  CHECK(err_of("a.txt ./a.txt").find("./a.txt is the same as a.txt") != std::string::npos);
  CHECK(err_of("a.txt b.txt").find("is the same as") == std::string::npos);
}
