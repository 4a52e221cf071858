#include "report/listing.hpp"

#include "report/format.hpp"

#include <cmath>

#include "report/json.hpp"
#include "support/catch.hpp"

using namespace toptheta;

namespace {

Listing sample() {
  Listing listing;
  listing.schema = "toptheta.sample/1";
  listing.heading = "About it";
  listing.about = {{"model", "tiny"}};
  listing.columns = {{"name", "the name", false}, {"value", "the value"}, {"count", "n"}};
  listing.rows = {{"a,b", 0.1, 3}, {"c", json_number(std::nan("")), nullptr}};
  listing.notes = {"a note"};
  return listing;
}

}  // namespace

TEST_CASE("a listing in every format") {
  CHECK(format_listing(sample(), find_result_format("table")) ==
        "About it\n\n"
        "the name  the value  n\n"
        "--------  ---------  -\n"
        "a,b          0.1000  3\n"
        "c                 -  -\n"
        "\na note\n");
  CHECK(format_listing(sample(), find_result_format("csv")) == "name,value,count\n\"a,b\",0.1,3\nc,,\n");
  CHECK(format_listing(sample(), find_result_format("md"))
            .find("| the name | the value | n |\n|---|---:|---:|\n") != std::string::npos);
  CHECK(nlohmann::ordered_json::parse(format_listing(sample(), find_result_format("json"))).dump() ==
        R"({"schema":"toptheta.sample/1","model":"tiny",)"
        R"("rows":[{"name":"a,b","value":0.1,"count":3},{"name":"c","value":null,"count":null}]})");
}
