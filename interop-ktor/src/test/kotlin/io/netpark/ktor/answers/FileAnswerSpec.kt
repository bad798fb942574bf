package io.netpark.ktor.answers

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.matchers.nulls.shouldBeNull
import io.kotest.matchers.nulls.shouldNotBeNull
import io.kotest.matchers.shouldBe
import io.kotest.matchers.types.shouldBeInstanceOf
import io.ktor.http.content.OutgoingContent.ReadChannelContent
import io.ktor.server.http.content.LocalFileContent
import io.ktor.server.http.content.LocalPathContent
import io.ktor.server.plugins.partialcontent.PartialOutgoingContent
import io.ktor.util.AttributeKey
import io.ktor.utils.io.ByteReadChannel
import io.ktor.utils.io.discard
import io.ktor.utils.io.readByteArray
import io.ktor.utils.io.toByteArray
import io.netpark.core.sys.NetparkException
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.openDescriptorsOf
import io.netpark.coroutines.Connection
import io.netpark.ktor.channels.Carrier
import io.netpark.ktor.channels.pattern
import io.netpark.ktor.channels.readChannel
import java.io.File
import java.io.RandomAccessFile
import java.net.URI
import java.nio.file.FileSystems
import java.nio.file.Files
import java.nio.file.NoSuchFileException
import java.nio.file.Path
import kotlin.io.path.deleteIfExists
import kotlin.io.path.writeBytes
import kotlin.time.Duration.Companion.milliseconds
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.delay
import kotlinx.coroutines.launch

/** Files as bodies of answers. */
class FileAnswerSpec : NetparkSpec(body = {
    val bytes = pattern(500_000)

    suspend fun withFile(content: ByteArray = bytes, use: suspend (Path) -> Unit) {
        val file = Files.createTempFile("answer", ".bin")
        try {
            file.writeBytes(content)
            use(file)
            openDescriptorsOf(file) shouldBe 0
        } finally {
            file.deleteIfExists()
        }
    }

    fun carried(
        name: String,
        carriers: List<Carrier> = Carrier.entries,
        body: suspend CoroutineScope.(client: Connection, server: Connection) -> Unit,
    ) {
        for (carrier in carriers) test("$carrier: $name") { carrier.connect(body = body) }
    }

    suspend fun send(content: ReadChannelContent, server: Connection) =
        FileAnswer.of(content).shouldNotBeNull().use { it.send(server, checkNotNull(content.contentLength)) }

    suspend fun CoroutineScope.shouldSend(
        content: ReadChannelContent,
        expected: ByteArray,
        client: Connection,
        server: Connection,
    ) {
        launch {
            server.writer.putString("head")
            send(content, server)
            server.writer.putString("foot")
            server.writer.flush()
        }
        val received = client.readChannel().readByteArray(4 + expected.size + 4)
        received.contentEquals("head".toByteArray() + expected + "foot".toByteArray()) shouldBe true
    }

    carried("a file goes between what is written before and behind it") { client, server ->
        withFile { shouldSend(LocalFileContent(it.toFile()), bytes, client, server) }
    }

    carried("so does one that is given as a path") { client, server ->
        withFile { shouldSend(LocalPathContent(it), bytes, client, server) }
    }

    carried("so does one range of it, though Ktor's plugin hides the file") { client, server ->
        withFile {
            val content = LocalFileContent(it.toFile())
            val part = PartialOutgoingContent.Single(content, 1000L..299_999L)
            shouldSend(part, bytes.copyOfRange(1000, 300_000), client, server)
        }
    }

    carried("so does all of it, with the plugin and no range") { client, server ->
        withFile {
            shouldSend(PartialOutgoingContent.Bypass(LocalPathContent(it)), bytes, client, server)
        }
    }

    carried("an empty file is an answer without a body") { client, server ->
        withFile(ByteArray(0)) { shouldSend(LocalFileContent(it.toFile()), ByteArray(0), client, server) }
    }

    test("a content that makes other bytes of a file is read by Ktor") {
        withFile { file ->
            val original = LocalPathContent(file)
            val other = object : ReadChannelContent() {
                override val contentLength = 5L

                override fun readFrom(): ByteReadChannel = ByteReadChannel("other")

                override fun readFrom(range: LongRange): ByteReadChannel = ByteReadChannel("the")

                override fun <T : Any> getProperty(key: AttributeKey<T>): T? = original.getProperty(key)

                override fun <T : Any> setProperty(key: AttributeKey<T>, value: T?) = original.setProperty(key, value)
            }
            val contents = listOf(other, PartialOutgoingContent.Bypass(other), PartialOutgoingContent.Single(other, 1L..3L))
            for (content in contents) FileAnswer.of(content).shouldBeNull()
        }
    }

    test("a file within an archive is read by Ktor") {
        val archive = Files.createTempFile("answer", ".zip").also { Files.delete(it) }
        FileSystems.newFileSystem(URI("jar:${archive.toUri()}"), mapOf("create" to "true")).use { zip ->
            val file = zip.getPath("inside.txt").also { Files.writeString(it, "inside") }
            FileAnswer.of(LocalPathContent(file)).shouldBeNull()
        }
        Files.delete(archive)
    }

    test("a device is read by Ktor") {
        FileAnswer.of(LocalFileContent(File("/dev/null"))).shouldBeNull()
    }

    test("a file that is gone is known before the answer begins") {
        withFile { file ->
            val content = LocalFileContent(file.toFile())
            Files.delete(file)
            shouldThrow<NoSuchFileException> { FileAnswer.of(content) }
            file.writeBytes(ByteArray(0))
        }
    }

    carried("a file that is shorter than promised breaks the answer", Carrier.RESETTING) { client, server ->
        withFile { file ->
            val failure = runCatching {
                FileAnswer.of(LocalFileContent(file.toFile()))?.use { it.send(server, bytes.size + 1L) }
            }.exceptionOrNull()
            failure.shouldBeInstanceOf<NetparkException.Truncated>()
            server.reset() // is the engine's
            runCatching { client.readChannel().toByteArray() }.exceptionOrNull().shouldNotBeNull()
        }
    }

    for (carrier in Carrier.entries) {
        test("$carrier: a client that takes nothing is given up after the write timeout") {
            carrier.connect(Carrier.TIGHT) { _, server ->
                withFile(ByteArray(20_000_000)) { file ->
                    server.writeTimeout = 200.milliseconds
                    shouldThrow<NetparkException.TimedOut> { send(LocalFileContent(file.toFile()), server) }
                    server.reset()
                }
            }
        }

        test("$carrier: a client may be slow") {
            carrier.connect(Carrier.TIGHT) { client, server ->
                withFile { file ->
                    val sending = launch { send(LocalFileContent(file.toFile()), server) }
                    val input = client.readChannel()
                    for (at in bytes.indices step 50_000) {
                        input.readByteArray(50_000).contentEquals(bytes.copyOfRange(at, at + 50_000)) shouldBe true
                        delay(2.milliseconds)
                    }
                    sending.join() // and has given the file back
                }
            }
        }
    }

    val much = System.getProperty("netpark.test.file")?.toLong() ?: (64L shl 20)

    carried("a sparse file of $much bytes is sent") { client, server ->
        withFile { file ->
            RandomAccessFile(file.toFile(), "rw").use {
                it.setLength(much)
                it.seek(much - 4)
                it.write("last".toByteArray())
            }
            val sending = launch(Dispatchers.Default) { send(LocalFileContent(file.toFile()), server) }
            val input = client.readChannel()
            input.readByteArray(bytes.size).contentEquals(bytes) shouldBe true
            input.discard(much - bytes.size - 4) shouldBe much - bytes.size - 4
            input.readByteArray(4).decodeToString() shouldBe "last"
            sending.join()
        }
    }
})
