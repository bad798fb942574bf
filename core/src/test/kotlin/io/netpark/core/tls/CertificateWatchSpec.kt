package io.netpark.core.tls

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.engine.spec.tempdir
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.netpark.core.report.Reporter
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.eventually
import io.netpark.core.testing.netparkThreads
import io.netpark.core.testing.tls.Authority
import io.netpark.core.testing.tls.Identity
import io.netpark.core.testing.tls.KeyKind
import java.nio.file.Files
import java.nio.file.Path
import java.nio.file.StandardCopyOption.ATOMIC_MOVE
import java.nio.file.attribute.FileTime
import java.time.Duration
import java.util.concurrent.CopyOnWriteArrayList
import kotlin.io.path.createDirectories
import kotlin.io.path.createSymbolicLinkPointingTo
import kotlin.io.path.deleteExisting
import kotlin.io.path.div
import kotlin.io.path.moveTo
import kotlin.io.path.readBytes
import kotlin.io.path.setLastModifiedTime
import kotlin.io.path.writeBytes
import kotlin.io.path.writeText

/** Files of certificates that change under a server. */
class CertificateWatchSpec : NetparkSpec(body = {
    val root = Authority.root("Root")

    class Watched {
        val folder: Path = Files.createTempDirectory(tempdir().toPath(), "watched")
        val chain: Path = folder / "tls.crt"
        val key: Path = folder / "tls.key"
        val reports = CopyOnWriteArrayList<String>()
        val reporter = Reporter { what, _ -> reports += what }

        fun fresh(): Identity = root.order("server.test").keys(KeyKind.EC.fresh()).issue()
        private var writes = 0L

        /** What is written has a time of its own: the kernel's clock for files ticks so seldom that it may have the one before. */
        private fun Path.stamp() = setLastModifiedTime(FileTime.fromMillis(++writes * 1000))
        fun writeChain(identity: Identity) = identity.writeChain(chain).stamp()
        fun writeKey(identity: Identity) = identity.writeKey(key).stamp()
        fun write(identity: Identity) = identity.also {
            writeChain(it)
            writeKey(it)
        }

        val server: ServerTls by lazy { ServerTls.of(chain, key) }
        val served: String get() = server.certificates().single().serialNumber()
    }

    fun Identity.serial() = certificate().serialNumber.toString(16)

    /** Looks by hand. */
    fun watched(name: String, body: Watched.(look: () -> Unit) -> Unit) = test(name) {
        with(Watched()) {
            write(fresh())
            server.watch(Duration.ofDays(1), reporter).use { watch -> body { watch.check() } }
        }
    }

    watched("a change is taken up when it has not changed again from one look to the next") { look ->
        val before = served
        repeat(3) { look() }
        served shouldBe before
        val next = write(fresh())
        look()
        served shouldBe before
        look()
        served shouldBe next.serial()
        reports shouldBe listOf()
    }

    test("what has changed between loading and watching is taken up") {
        with(Watched()) {
            write(fresh())
            server.certificates() // loaded
            val next = write(fresh())
            server.watch(Duration.ofDays(1), reporter).use { watch ->
                watch.check()
                served shouldBe next.serial()
                write(fresh()).also { server.reload() }
            }
            val last = write(fresh())
            server.watch(Duration.ofDays(1), reporter).use { watch ->
                watch.check()
                served shouldBe last.serial()
            }
            reports shouldBe listOf()
        }
    }

    watched("a certificate without its key is not noticed, if the key follows soon") { look ->
        val next = fresh()
        writeChain(next)
        look()
        writeKey(next)
        look()
        look()
        served shouldBe next.serial()
        reports shouldBe listOf()
    }

    watched("what is of no use is reported once for each change, and the last good certificate stays") { look ->
        val before = served
        key.writeText("nothing")
        repeat(5) { look() }
        reports.size shouldBe 1
        reports.single() shouldContain "those that were loaded before stay in use: $key: has no line"
        key.deleteExisting()
        repeat(5) { look() }
        reports.size shouldBe 2
        reports.last() shouldContain "there is no such file"
        served shouldBe before
        val next = write(fresh())
        repeat(2) { look() }
        served shouldBe next.serial()
        reports.size shouldBe 2
    }

    watched("what becomes again what it was is no trouble, and is reported again if it goes away again") { look ->
        val good = write(fresh())
        repeat(2) { look() }
        repeat(2) { turn ->
            chain.moveTo(folder / "away")
            repeat(2) { look() }
            reports.size shouldBe turn + 1
            (folder / "away").moveTo(chain)
            repeat(2) { look() }
        }
        served shouldBe good.serial()
        reports.size shouldBe 2
    }

    /** A file that cannot be opened, because there are no descriptors, say: nothing of it changes when it can. */
    watched("what could not be loaded for a reason that passes is loaded when it has passed, though no file changes again") { look ->
        val next = write(fresh())
        val good = key.readBytes()
        val time = Files.getLastModifiedTime(key)
        fun rewrite(bytes: ByteArray) = key.apply { writeBytes(bytes) }.setLastModifiedTime(time)
        rewrite(ByteArray(good.size) { 'x'.code.toByte() })
        repeat(3) { look() }
        reports.size shouldBe 1
        rewrite(good)
        look()
        served shouldBe next.serial()
        reports.size shouldBe 1
    }

    watched("a file of the same time and size, but another one, is a change") { look ->
        val before = served
        val time = Files.getLastModifiedTime(chain)
        val next = generateSequence { fresh() }.first { // of the same sizes: serial numbers and signatures differ in length
            val other = folder / "other"
            it.writeChain(other)
            Files.size(other) == Files.size(chain)
        }
        val other = (folder / "other").also { next.writeChain(it) }.setLastModifiedTime(time)
        other.moveTo(chain, ATOMIC_MOVE)
        next.writeKey(key).setLastModifiedTime(time)
        repeat(2) { look() }
        served shouldBe next.serial()
        (served == before) shouldBe false
    }

    /** As Kubernetes mounts a secret: the files are links through a link to a folder, and this link is replaced. */
    test("a link to a folder of files is replaced by a link to another, and the watch sees it by itself") {
        with(Watched()) {
            fun version(name: String): Identity {
                val files = (folder / name).createDirectories()
                return fresh().also {
                    it.writeChain(files / "tls.crt")
                    it.writeKey(files / "tls.key")
                }
            }
            version("..1")
            (folder / "..data").createSymbolicLinkPointingTo(Path.of("..1"))
            chain.createSymbolicLinkPointingTo(Path.of("..data/tls.crt"))
            key.createSymbolicLinkPointingTo(Path.of("..data/tls.key"))
            val client = ClientTls.builder().trust(root).build()
            server.watch(Duration.ofMillis(5), reporter).use {
                repeat(3) { turn ->
                    val next = version("..${turn + 2}")
                    (folder / "..new").createSymbolicLinkPointingTo(Path.of("..${turn + 2}"))
                    (folder / "..new").moveTo(folder / "..data", ATOMIC_MOVE)
                    eventually { served shouldBe next.serial() }
                    sessions(client, server, port = 1000 + turn).first.peerCertificates() shouldBe next.chain()
                }
            }
            reports shouldBe listOf()
        }
    }

    test("a reporter that throws does not end the watch, and closing it does") {
        with(Watched()) {
            write(fresh())
            val watch = server.watch(Duration.ofMillis(5)) { what, _ ->
                reports += what
                error("full")
            }
            (folder / "bad").apply { writeText("nothing") }.moveTo(key, ATOMIC_MOVE) // or it may see an empty file as well
            eventually { reports.size shouldBe 1 }
            netparkThreads().count { it == "netpark-certificates" } shouldBe 1
            val next = write(fresh())
            eventually { served shouldBe next.serial() }
            repeat(2) { watch.close() }
            eventually { netparkThreads().count { it == "netpark-certificates" } shouldBe 0 }
            write(fresh())
            watch.check() // nobody else does
            served shouldBe next.serial()
        }
    }

    test("authorities and key stores are watched, too; what has no files is not") {
        with(Watched()) {
            val trusted = root.write(folder / "ca.pem")
            val store = fresh().writePkcs12(folder / "store.p12", "a", "secret")
            val server = ServerTls.builder().keyStore(store, "secret".toCharArray())
                .clientAuth(ClientAuth.WANTED).clientAuthorities(trusted).build()
            server.files() shouldBe listOf(store, trusted)
            ClientTls.builder().trust(trusted).build().watch(Duration.ofDays(1), reporter).close()
            shouldThrow<IllegalStateException> { ClientTls.builder().trust(root).build().watch(Duration.ofDays(1), reporter) }
            shouldThrow<IllegalArgumentException> { server.watch(Duration.ZERO, reporter) }
        }
    }
})
