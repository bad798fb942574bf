package io.netpark.samples

import io.kotest.core.test.TestScope
import io.kotest.matchers.collections.shouldBeSingleton
import io.kotest.matchers.collections.shouldNotContain
import io.kotest.matchers.longs.shouldBeGreaterThan
import io.kotest.matchers.shouldBe
import java.nio.file.Files
import java.nio.file.Path
import java.util.concurrent.TimeUnit
import kotlin.io.path.fileSize
import kotlin.io.path.listDirectoryEntries
import kotlin.io.path.name
import kotlin.io.path.readBytes
import kotlin.io.path.writeBytes

/** The classes that samples/run has the JVM keep for the next start, and what it does when they are of no use. */
class FastStartSpec : SampleSpec({
    timeout = TimeUnit.SECONDS.toMillis(ARCHIVES * PATIENCE_SECONDS) // each archive is made by starts of three JVMs
    val tree = SourceTree(archives = true)
    afterSpec { tree.close() }

    fun archives(): List<Path> = tree.images().flatMap { it.listDirectoryEntries("classes-*") }

    /** Whether it runs with the archive, as the kernel knows its command line. */
    fun SourceTree.Program.isFast() = Files.readString(Path.of("/proc/${process.pid()}/cmdline")).split('\u0000').any { argument ->
        argument.endsWith("=${archives().single()}")
    }

    /** Files of the JVM's are only to be read. */
    fun replace(archive: Path, content: ByteArray) {
        Files.delete(archive)
        archive.writeBytes(content)
    }

    fun preparations(program: SourceTree.Program) = program.said.filter { "preparing fast starts" in it }

    fun case(name: String, body: suspend TestScope.() -> Unit) {
        test(name).config(enabledOrReasonIf = { needs("flock", "--version") }, test = body)
    }

    case("the first start makes an archive of classes, and it and later ones run with it") {
        tree.start().use {
            preparations(it).shouldBeSingleton()
            archives().shouldBeSingleton { archive -> archive.fileSize() shouldBeGreaterThan 0 }
            it.isFast() shouldBe true
            it.serves()
        }
        tree.start().use {
            it.said.shouldBeSingleton()
            it.isFast() shouldBe true
            it.serves()
        }
    }

    case("an archive that was cut short is made anew") {
        val archive = archives().single()
        replace(archive, archive.readBytes().copyOf(archive.fileSize().toInt() / 2))
        tree.start().use {
            preparations(it).shouldBeSingleton()
            it.isFast() shouldBe true
            it.serves()
        }
    }

    for ((what, from) in listOf("from its middle on" to 0.5, "from its beginning on" to 0.0)) {
        case("an archive that is damaged $what stops no program, and none says a word") {
            val archive = archives().single()
            val whole = archive.readBytes()
            replace(archive, whole.clone().apply { fill(GARBAGE, (size * from).toInt()) })
            tree.start().use {
                it.said.shouldBeSingleton() // that it listens
                it.serves()
            }
            replace(archive, whole)
        }
    }

    case("where the JVM cannot make one, that is tried once") {
        val archive = archives().single()
        replace(archive, ByteArray(0))
        Files.move(archive, archive.resolveSibling(archive.name.substringBeforeLast('-') + "-0"))
        tree.start().use {
            preparations(it) shouldBe emptyList()
            it.isFast() shouldBe false
            it.serves()
        }
    }

    case("the next image has an archive of its own") {
        val before = archives().single()
        tree.changeSource()
        tree.start().use {
            preparations(it).shouldBeSingleton()
            archives() shouldNotContain before
            it.isFast() shouldBe true
            it.serves()
        }
    }
}) {
    private companion object {
        const val ARCHIVES = 10L
        const val GARBAGE: Byte = 0x5a
    }
}
