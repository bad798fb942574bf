package io.netpark.samples.tail

import io.kotest.assertions.withClue
import io.kotest.matchers.collections.shouldBeEmpty
import io.kotest.matchers.collections.shouldBeSingleton
import io.kotest.matchers.ints.shouldBeGreaterThan
import io.kotest.matchers.ints.shouldBeLessThanOrEqual
import io.kotest.matchers.longs.shouldBeLessThan
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.kotest.matchers.string.shouldMatch
import io.netpark.samples.Certificates
import io.netpark.samples.PATIENCE_SECONDS
import io.netpark.samples.RunningProgram
import io.netpark.samples.SampleSpec
import io.netpark.samples.needs
import io.netpark.samples.needsJdkOf
import io.netpark.samples.soon
import java.io.BufferedReader
import java.net.InetAddress
import java.net.Socket
import java.nio.channels.FileChannel
import java.nio.file.Files
import java.nio.file.Path
import java.nio.file.StandardCopyOption
import java.nio.file.StandardOpenOption.APPEND
import java.nio.file.StandardOpenOption.CREATE
import java.nio.file.StandardOpenOption.WRITE
import java.nio.file.attribute.PosixFilePermissions
import java.util.concurrent.TimeUnit
import kotlin.io.path.createSymbolicLinkPointingTo
import kotlin.io.path.deleteExisting
import kotlin.io.path.writeText

/** The tail sample beside files that grow, are rotated and cut, and clients that read, dawdle and vanish. */
class TailSpec : SampleSpec({
    val folder: Path = Files.createTempDirectory("tail")
    afterSpec { folder.toFile().deleteRecursively() }
    var files = 0
    fun newFile(content: String = ""): Path = folder.resolve("log ${++files}").apply { writeText(content) }

    for (loops in listOf("1", "2")) {
        test("lines that are added come to three clients in order, --loops $loops") {
            val file = newFile()
            RunningTail(file, "--loops", loops).use { tail ->
                val clients = List(3) { tail.dial() }
                clients.forEach { it.ready(file) }
                FileChannel.open(file, APPEND).use { log ->
                    for (i in 1..5_000) {
                        // In pieces: a line is sent when it is whole.
                        log.write(Charsets.UTF_8.encode("line "))
                        log.write(Charsets.UTF_8.encode(if (i % 10 == 0) "$i\nline ${i}b\n" else "$i\n"))
                    }
                }
                val expected = (1..5_000).flatMap { if (it % 10 == 0) listOf("line $it", "line ${it}b") else listOf("line $it") }
                clients.forEach { client -> expected.forEach { client.line() shouldBe it } }
                clients.forEach { it.close() }
                tail.program.errorLines().shouldBeEmpty()
            }
        }
    }

    test("clients of either version of TLS get the last lines, and those that are added; and the end of the program is that of the stream") {
        val file = newFile("before\n")
        RunningTail(file, *Certificates.options).use { tail ->
            tail.program.line()!! shouldContain "TLS by the certificate in "
            val clients = listOf("TLSv1.2", "TLSv1.3").map { Certificates.dial(tail.port, it) }
            try {
                val outputs = clients.map { it.inputStream.bufferedReader() }
                outputs.forEach { it.readLine() shouldBe "before" } // so it is there
                for (i in 1..5_000) file.append("line $i\n")
                for (i in 1..5_000) outputs.forEach { it.readLine() shouldBe "line $i" }
                tail.program.signal("TERM")
                outputs.forEach { it.readLine() shouldBe null } // by close_notify: the JDK throws at an end without
                tail.program.status() shouldBe 0
                tail.program.errorLines().shouldBeEmpty()
            } finally {
                clients.forEach { it.close() }
            }
        }
    }

    for ((tool, arguments) in mapOf("nc" to "-d 127.0.0.1 PORT", "socat" to "-u TCP:127.0.0.1:PORT STDOUT")) {
        val probe = if (tool == "nc") arrayOf("-h") else arrayOf("-V")
        test("$tool is a client").config(enabledOrReasonIf = { needs(tool, *probe) }) {
            val file = newFile("before\n")
            RunningTail(file).use { tail ->
                val clients = List(3) {
                    ProcessBuilder(listOf(tool) + arguments.replace("PORT", "${tail.port}").split(' '))
                        .redirectError(ProcessBuilder.Redirect.INHERIT).start()
                }
                try {
                    val outputs = clients.map { it.inputStream.bufferedReader() }
                    outputs.forEach { it.readLine() shouldBe "before" } // so it is there
                    for (i in 1..100) file.append("line $i\n")
                    for (i in 1..100) outputs.forEach { it.readLine() shouldBe "line $i" }
                } finally {
                    clients.forEach { it.destroyForcibly().waitFor() }
                }
            }
        }
    }

    test("a newcomer gets the last lines first, as many as asked for") {
        val file = newFile((1..100_000).joinToString("") { "old $it ${"x".repeat(it % 50)}\n" })
        RunningTail(file, "--lines", "3").use { tail ->
            tail.dial().use { client -> for (i in 99_998..100_000) client.line() shouldBe "old $i ${"x".repeat(i % 50)}" }
            file.append("new 1\nnew 2\npart")
            tail.dial().use { client ->
                soon { tail.dial().use { it.line() shouldBe "old 100000 " } }
                tail.dial().use { other -> listOf("old 100000 ", "new 1", "new 2").forEach { other.line() shouldBe it } }
                file.append("ial\n")
                var last = client.line()
                while (last != "partial") last = client.line().also { it shouldMatch "(old|new) .*|partial" }
            }
        }
        RunningTail(file, "--lines", "0").use { tail -> tail.dial().use { it.ready(file) } }
        RunningTail(newFile("only\n"), "--lines", "5").use { tail -> tail.dial().use { it.line() shouldBe "only" } }
    }

    test("a file that is renamed and made again is read to its end, then the new one from its beginning") {
        val file = newFile()
        RunningTail(file).use { tail ->
            val descriptors = tail.descriptors()
            tail.dial().use { client ->
                client.ready(file)
                repeat(30) { round ->
                    val moved = file.resolveSibling("${file.fileName}.$round")
                    FileChannel.open(file, APPEND, CREATE).use { log ->
                        log.write(Charsets.UTF_8.encode("a$round\n"))
                        Files.move(file, moved)
                        // As a program does that has not been told yet.
                        log.write(Charsets.UTF_8.encode("b$round\nno line end"))
                    }
                    if (round % 3 == 0) { // made elsewhere, and moved here
                        val made = folder.resolve("made").apply { writeText("c$round\n") }
                        Files.move(made, file)
                    } else {
                        file.append("c$round\n")
                    }
                    file.append("d$round\n")
                    listOf("a$round", "b$round", "no line end", "c$round", "d$round").forEach { client.line() shouldBe it }
                    moved.deleteExisting()
                }
                soon { tail.descriptors() shouldBeLessThanOrEqual descriptors + 1 } // that of the client
            }
            tail.program.errorLines().shouldBeEmpty()
        }
    }

    test("a file that is replaced by another in one step is followed all the same") {
        val file = newFile()
        RunningTail(file).use { tail ->
            tail.dial().use { client ->
                client.ready(file)
                repeat(30) { round ->
                    val made = folder.resolve("made").apply { writeText("new $round\n") }
                    Files.move(made, file, StandardCopyOption.ATOMIC_MOVE)
                    client.line() shouldBe "new $round"
                }
            }
        }
    }

    test("a file that is cut is read from its beginning") {
        val file = newFile("a long line that was there before\n")
        RunningTail(file, "--lines", "0").use { tail ->
            tail.dial().use { client ->
                client.ready(file)
                repeat(30) { round ->
                    val long = "$round ${"is long".repeat(20)}"
                    file.append("$long\n")
                    client.line() shouldBe long
                    FileChannel.open(file, WRITE).use { it.truncate(0) }
                    file.append("$round") // shorter than before: else nobody could tell
                    file.append(" is short\n")
                    client.line() shouldBe "$round is short"
                }
            }
        }
    }

    test("a file that is not there yet, and one that is deleted, is waited for") {
        val file = folder.resolve("later")
        RunningTail(file).use { tail ->
            tail.dial().use { client ->
                file.writeText("first\n")
                client.line() shouldBe "first"
                file.deleteExisting()
                file.writeText("second\n")
                client.line() shouldBe "second"
            }
        }
    }

    test("for a client that does not read lines are skipped, it is told how many, and others get all") {
        val file = newFile()
        val padding = "x".repeat(1000)
        val total = 40_000 // 40 MB
        RunningTail(file).use { tail ->
            val slow = tail.dial(receiveBuffer = 64 * 1024)
            val quick = tail.dial()
            listOf(slow, quick).forEach { it.ready(file) }
            val rss = tail.program.rssKiB()
            FileChannel.open(file, APPEND).use { log ->
                for (i in 1..total) {
                    log.write(Charsets.UTF_8.encode("$i $padding\n"))
                    if (i % 100 == 0) for (j in i - 99..i) quick.line() shouldBe "$j $padding"
                }
            }
            tail.program.rssKiB() - rss shouldBeLessThan 24 * 1024
            var expected = 1
            var skipped = 0
            while (expected <= total) {
                val line = slow.line()
                val note = Regex("-- (\\d+) lines skipped: this client reads too slowly --").matchEntire(line)
                if (note != null) {
                    skipped += note.groupValues[1].toInt()
                    expected += note.groupValues[1].toInt()
                } else {
                    line shouldBe "$expected $padding"
                    expected++
                }
            }
            withClue("of $total lines") { skipped shouldBeGreaterThan total / 4 }
            file.append("after\n")
            listOf(slow, quick).forEach { it.line() shouldBe "after" }
            listOf(slow, quick).forEach { it.close() }
        }
    }

    test("a line that is longer than what is held of one comes in pieces, and whole") {
        val file = newFile()
        RunningTail(file).use { tail ->
            tail.dial().use { client ->
                client.ready(file)
                val long = "0123456789".repeat(50_000)
                file.append("$long\nshort\n")
                client.line() shouldBe long
                client.line() shouldBe "short"
            }
        }
    }

    test("a line of which the end is missing gets one, also if it has come in pieces, before the next file begins") {
        val file = newFile()
        RunningTail(file).use { tail ->
            tail.dial().use { client ->
                client.ready(file)
                val long = "0123456789abcdef".repeat(4096) // 64 KiB: nothing is left of it when it has come
                file.append(long)
                Files.move(file, file.resolveSibling("${file.fileName}.1"))
                file.append("new\n")
                listOf(long, "new").forEach { client.line() shouldBe it }
            }
        }
    }

    test("begun in the midst of a line that is longer than what is kept, it comes to the next one first") {
        val file = newFile("x".repeat(3 * 1024 * 1024))
        RunningTail(file).use { tail ->
            file.append("its end\nnext\n")
            soon { tail.dial().use { it.line() shouldBe "next" } }
        }
    }

    test("a client that does not read gets whole pieces of long lines, or is told that the rest is missing") {
        val padding = "x".repeat(300_000)
        val total = 200 // 60 MB

        /** Returns how many lines were cut. */
        fun attempt(): Int {
            val file = newFile()
            var cuts = 0
            RunningTail(file).use { tail ->
                val slow = tail.dial(receiveBuffer = 64 * 1024)
                val quick = tail.dial()
                listOf(slow, quick).forEach { it.ready(file) }
                for (i in 1..total) {
                    file.append("$i $padding $i\n")
                    quick.line() shouldBe "$i $padding $i"
                }
                var last = 0
                while (last < total) {
                    val line = slow.line()
                    val whole = Regex("(\\d+) x+ (\\d+)").matchEntire(line)
                    if (whole != null) {
                        whole.groupValues[1] shouldBe "${++last}"
                        line shouldBe "$last $padding $last"
                    } else {
                        var note = line
                        if (!note.startsWith("--")) { // the beginning of the next
                            line.substringBefore(' ') shouldBe "${++last}"
                            note = slow.line()
                            note shouldContain "the rest of that line"
                            cuts++
                        }
                        val what = "(the rest of that line|the rest of that line and \\d+ lines|\\d+ lines)"
                        note shouldMatch Regex("-- $what skipped: this client reads too slowly --")
                        last += Regex("\\d+").find(note)?.value?.toInt() ?: 0
                    }
                }
                last shouldBe total
                listOf(slow, quick).forEach { it.close() }
            }
            return cuts
        }

        // What the sockets hold may end with a line, by chance; hardly so each time.
        withClue("of $total lines") { (1..10).any { attempt() > 0 } shouldBe true }
    }

    // Root may read everything, unless that capability is taken away from it.
    val mortal = if (System.getProperty("user.name") == "root") MORTAL_ROOT else emptyList()
    val probe = (mortal + "true").toTypedArray()
    test("a new file that may not be read yet is followed when it may").config(
        enabledOrReasonIf = { needs(probe.first(), *probe.drop(1).toTypedArray()) },
    ) {
        val file = newFile()
        RunningTail(RunningProgram(TAIL, "$file", "--port", "0", prefix = mortal)).use { tail ->
            tail.dial().use { client ->
                client.ready(file)
                repeat(2) { round ->
                    val made = folder.resolve("made").apply { writeText("secret $round\n") }
                    Files.setPosixFilePermissions(made, PosixFilePermissions.fromString("---------"))
                    Files.move(made, file, StandardCopyOption.ATOMIC_MOVE)
                    soon { tail.failures() shouldBe round + 1 }
                    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-------"))
                    client.line() shouldBe "secret $round"
                    file.append("more\n")
                    client.line() shouldBe "more"
                }
                tail.failures() shouldBe 2 // each was told once
            }
        }
    }

    test("what cannot be opened, also for want of descriptors, is tried again until it can").config(
        enabledOrReasonIf = { needs("prlimit", "--nofile", "true") },
    ) {
        val file = newFile()
        RunningTail(file).use { tail ->
            tail.dial().use { client ->
                client.ready(file)
                // Once for another reason, which also loads what the program needs for that: classes take descriptors, too. A
                // link to a link to itself cannot be opened, and when that is a file no event tells.
                val target = Files.createDirectory(folder.resolve("elsewhere")).resolve("log")
                target.createSymbolicLinkPointingTo(target)
                Files.move(folder.resolve("link").createSymbolicLinkPointingTo(target), file, StandardCopyOption.ATOMIC_MOVE)
                soon { tail.failures() shouldBe 1 }
                Files.move(folder.resolve("made").apply { writeText("zeroth\n") }, target, StandardCopyOption.ATOMIC_MOVE)
                client.line() shouldBe "zeroth"

                tail.limitDescriptors(3)
                val made = folder.resolve("made").apply { writeText("first\n") }
                Files.move(made, file, StandardCopyOption.ATOMIC_MOVE)
                soon { tail.failures() shouldBe 2 }
                tail.limitDescriptors(1000)
                client.line() shouldBe "first"
                file.append("second\n")
                client.line() shouldBe "second"
            }
        }
    }

    test("clients that vanish leave no descriptor behind, and no trace with those who stay") {
        val file = newFile()
        RunningTail(file, "--loops", "2").use { tail ->
            tail.dial().use { staying ->
                staying.ready(file)
                val before = tail.descriptors()
                repeat(10) { round ->
                    val clients = List(20) { tail.dial() }
                    file.append("round $round\n")
                    clients.forEachIndexed { i, client ->
                        if (i % 2 == 0) client.socket.setSoLinger(true, 0) // a reset
                        client.close()
                        file.append("$round $i\n")
                    }
                    staying.line() shouldBe "round $round"
                    repeat(20) { staying.line() shouldBe "$round $it" }
                }
                soon { tail.descriptors() shouldBeLessThanOrEqual before }
            }
            tail.program.errorLines().shouldBeEmpty()
        }
    }

    test("sleeps while nothing is added") {
        val file = newFile()
        RunningTail(file).use { tail ->
            tail.dial().use { client ->
                client.ready(file)
                tail.program.awaitIdle()
            }
        }
    }

    for (binding in listOf("jna", "ffm")) {
        test("the $binding binding").config(enabledOrReasonIf = { needsJdkOf(binding) }) {
            val file = newFile()
            RunningTail(file, "--binding", binding).use { tail ->
                tail.dial().use { it.ready(file) }
            }
        }
    }

    test("SIGTERM: clients get the end, status 0") {
        val file = newFile()
        RunningTail(file).use { tail ->
            tail.dial().use { client ->
                client.ready(file)
                tail.program.signal("TERM")
                client.isAtEnd() shouldBe true
            }
            tail.program.status() shouldBe 0
            tail.program.errorLines().shouldBeEmpty()
        }
    }

    test("what cannot be followed is told in one line; wrong options: the usage") {
        RunningProgram(TAIL, "$folder/nowhere/log", "--port", "0").use { program ->
            program.status() shouldBe 1
            program.errorLines().shouldBeSingleton { it shouldContain "$folder/nowhere: ENOENT" }
        }
        val wrong = listOf("$folder --port 0", "--port 0", "log", "log --port 0 --lines -1", "log --port 0 --drain -1")
        for (options in wrong) {
            RunningProgram(TAIL, *options.split(' ').toTypedArray()).use { program ->
                program.status() shouldBe 2
                program.errorLines().joinToString("\n") shouldContain "Usage: samples/run tail"
            }
        }
    }
})

private const val TAIL = "io.netpark.samples.tail.TailKt"

/** Runs a program as a root that permissions hold for. */
private val MORTAL_ROOT = listOf("setpriv", "--bounding-set", "-dac_override,-dac_read_search")

private fun Path.append(text: String) = writeText(text, Charsets.UTF_8, APPEND, CREATE)

/** The tail sample, listening. */
private class RunningTail(val program: RunningProgram) : AutoCloseable by program {

    val port: Int = program.line()?.substringAfterLast(':')?.toIntOrNull() ?: error("it says ${program.errorLines()}")

    constructor(file: Path, vararg options: String) : this(RunningProgram(TAIL, "$file", "--port", "0", *options))

    fun dial(receiveBuffer: Int = 0) = Reader(port, receiveBuffer)

    /** How often it has said that it cannot follow the file. */
    fun failures(): Int = program.errorLines().count { it.contains("Following ") }

    /** From here on its process can open none whose number is not below that. */
    fun limitDescriptors(count: Int) {
        ProcessBuilder("prlimit", "--pid", "${program.pid}", "--nofile=$count:").inheritIO().start().waitFor() shouldBe 0
    }

    /** How many descriptors its process has open. */
    fun descriptors(): Int = Path.of("/proc/${program.pid}/fd").toFile().list()!!.size
}

/** A plain blocking client. */
private class Reader(port: Int, receiveBuffer: Int) : AutoCloseable {

    val socket = Socket().apply {
        if (receiveBuffer > 0) this.receiveBufferSize = receiveBuffer
        connect(java.net.InetSocketAddress(InetAddress.getLoopbackAddress(), port))
        soTimeout = TimeUnit.SECONDS.toMillis(PATIENCE_SECONDS).toInt()
    }
    private val input: BufferedReader = socket.getInputStream().bufferedReader()

    /** The next line that is no mark. */
    fun line(): String = generateSequence { any() }.first { !it.startsWith("mark ") }

    private fun any(): String = input.readLine() ?: error("the stream has ended")

    /** Whether the stream ends, behind marks that may have been asked for more than once. */
    fun isAtEnd(): Boolean = generateSequence { input.readLine() }.all { it.startsWith("mark ") }

    /** Adds a line to the file, and waits for it: from here on this client gets everything. */
    fun ready(file: Path) {
        val mark = "mark ${System.nanoTime()}"
        soon {
            file.append("$mark\n")
            socket.soTimeout = 200
            try {
                do { val line = any() } while (line != mark)
            } finally {
                socket.soTimeout = TimeUnit.SECONDS.toMillis(PATIENCE_SECONDS).toInt()
            }
        }
    }

    override fun close() = socket.close()
}
