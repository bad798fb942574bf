package io.netpark.coroutines

import io.kotest.matchers.collections.shouldBeEmpty
import io.kotest.matchers.collections.shouldContainExactlyInAnyOrder
import io.kotest.matchers.ints.shouldBeGreaterThan
import io.netpark.core.sys.NetparkException
import io.netpark.core.testing.NetparkSpec
import kotlin.io.path.Path
import kotlin.io.path.extension
import kotlin.io.path.readLines
import kotlin.io.path.walk

/** docs/errors.md has a row for everything that can be thrown, and for everything that can be cancelled; and none for what is not there. */
class ErrorsPageSpec : NetparkSpec(body = {
    val page = Path("../docs/errors.md").readLines()

    /** What is in backticks in the first cell of the rows below a heading, up to the next one. */
    fun rows(heading: String): List<String> {
        val begin = page.indexOf(heading)
        check(begin >= 0) { "docs/errors.md has no heading: $heading" }
        return page.drop(begin + 1).takeWhile { !it.startsWith("#") }.filter { it.startsWith("|") }
            .map { it.split('|')[1] }.flatMap { cell -> NAME.findAll(cell).map { it.groupValues[1] } }
    }

    test("every class of NetparkException, and every kind of timeout, has its row") {
        val classes = NetparkException::class.java.permittedSubclasses.map { it.simpleName }
        rows("## NetparkException") shouldContainExactlyInAnyOrder classes + NetparkException.Timeout.entries.map { it.name }
    }

    test("every fault of TLS has its row") {
        val first = page.dropWhile { it != "## Faults of TLS" }.drop(1).takeWhile { !it.startsWith("#") }
            .mapNotNull { Regex("\\| `([A-Z_]+)` \\|.*").matchEntire(it)?.groupValues?.get(1) }
        first shouldContainExactlyInAnyOrder NetparkException.TlsFault.entries.map { it.name }
    }

    test("every suspending function has a row that says what cancellation leaves behind") {
        val sections = Path("src/main/kotlin").walk().filter { it.extension == "kt" }
            .flatMap { suspending(it.readLines()) }.groupBy({ it.first }, { it.second })
        sections.size shouldBeGreaterThan 5
        for ((owner, functions) in sections) {
            rows(if (owner == null) "### Functions" else "### `$owner`") shouldContainExactlyInAnyOrder functions.distinct()
        }
        val headings = page.filter { it.startsWith("### `") }.map { it.removePrefix("### `").removeSuffix("`") }
        (headings - sections.keys.filterNotNull().toSet()).shouldBeEmpty()
    }
}) {
    private companion object {
        val NAME = Regex("`(\\w+)`")
        val CLASS = Regex("^(?:public |internal |private )?(?:sealed |abstract |data |value )*(?:class|interface|object) (\\w+).*")
        val FUNCTION = Regex("^( *)public (?:[a-z]+ )*suspend (?:[a-z]+ )*fun (?:<[^>]*> )?(?:\\w+\\.)?(\\w+)\\(.*")

        /** The public suspending functions of a file, each with its class, which is null for one outside of any. */
        fun suspending(source: List<String>): List<Pair<String?, String>> {
            var owner: String? = null
            return source.mapNotNull { line ->
                CLASS.matchEntire(line)?.let { owner = it.groupValues[1] }
                FUNCTION.matchEntire(line)?.let { (if (it.groupValues[1].isEmpty()) null else owner) to it.groupValues[2] }
            }
        }
    }
}
