package io.netpark.samples.architecture

import java.nio.file.Files
import java.nio.file.Path

/** The root of the repository. Tests run in the folder of their module. */
val root: Path = Path.of("..").toAbsolutePath().normalize()

/** A package as docs/architecture.md draws it: its name, and the packages that it uses. */
class Room(val name: String, val uses: Set<String>)

/** The plan of rooms in docs/architecture.md: a table for each library module, a row for each package, lowest first. */
object Plan {
    val document: String = Files.readString(root.resolve("docs/architecture.md"))

    private val row = Regex("""^\| `([\w.]+)` \|.*\|([^|]*)\|$""", RegexOption.MULTILINE)
    private val quoted = Regex("`([\\w.]+)`")

    /** The rooms of the table under a heading. The table has names relative to [base]; its last column has what a room uses. */
    fun rooms(heading: String, base: String): List<Room> {
        val section = document.substringAfter("\n### $heading\n", "").substringBefore("\n#")
        return row.findAll(section).map { found ->
            Room(
                "$base.${found.groupValues[1]}",
                quoted.findAll(found.groupValues[2]).map { "$base.${it.groupValues[1]}" }.toSet(),
            )
        }.toList()
    }
}
