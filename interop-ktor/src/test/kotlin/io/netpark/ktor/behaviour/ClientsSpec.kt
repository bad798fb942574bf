package io.netpark.ktor.behaviour

import io.kotest.core.test.Enabled
import io.kotest.matchers.collections.shouldBeEmpty
import io.kotest.matchers.ints.shouldBeLessThan
import io.kotest.matchers.longs.shouldBeGreaterThan
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.kotest.matchers.string.shouldNotContain
import io.ktor.http.content.OutgoingContent
import io.ktor.server.engine.sslConnector
import io.ktor.server.request.receiveText
import io.ktor.server.response.header
import io.ktor.server.response.respond
import io.ktor.server.response.respondText
import io.ktor.server.response.respondTextWriter
import io.ktor.server.routing.get
import io.ktor.server.routing.head
import io.ktor.server.routing.post
import io.ktor.server.routing.routing
import io.ktor.utils.io.ByteReadChannel
import io.netpark.core.testing.HeldPort
import io.netpark.core.testing.async
import io.netpark.core.testing.eventually
import io.netpark.core.testing.needs
import io.netpark.core.testing.result
import io.netpark.ktor.unixConnector
import java.nio.file.Files
import java.nio.file.Path
import java.util.concurrent.ConcurrentHashMap
import java.util.concurrent.TimeUnit

private val ports = ConcurrentHashMap.newKeySet<Int>()

/** The clients that people have. */
class ClientsSpec : BehaviourSpec(
    application = {
        routing {
            get("/") {
                ports += call.request.local.remotePort
                call.respondText("Hello")
            }
            head("/") {
                call.response.header("X-Head", "yes")
                call.respond(object : OutgoingContent.NoContent() {
                    override val contentLength = 5L
                })
            }
            post("/length") { call.respondText("${call.receiveText().length}") }
            get("/stream") {
                call.respondTextWriter {
                    repeat(5) {
                        write("line $it\n")
                        flush()
                    }
                }
            }
            get("/large") {
                call.respond(object : OutgoingContent.ReadChannelContent() {
                    override val contentLength = 3_000_000L
                    override fun readFrom() = ByteReadChannel(ByteArray(3_000_000))
                })
            }
        }
    },
    body = {
        val curl = needs("curl", "--version")
        val h2load = needs("h2load", "--version")
        val nginx = listOf("/usr/sbin", "/usr/bin", "/usr/local/sbin").map { "$it/nginx" }
            .firstOrNull { Files.isExecutable(Path.of(it)) }
        fun ifInstalled(program: String) =
            if (run("sh", "-c", "command -v $program").status == 0) Enabled.enabled
            else Enabled.disabled("$program is not installed")
        val wrk = ifInstalled("wrk")
        val slowhttptest = ifInstalled("slowhttptest")

        fun Site.curl(vararg arguments: String) =
            run("curl", "-sS", "--noproxy", "*", "--cacert", "${Certificates.file}", "--max-time", "30", *arguments)

        fun Site.url(path: String) = "${uri(path)}"

        behaviour("curl: several requests on one connection", curl) { site ->
            val ran = site.curl("-v", site.url("/"), site.url("/stream"), site.url("/"))
            ran.well() shouldContain "line 4"
            ran.output shouldContain "Re-using existing"
        }

        behaviour("curl: a body of known length, in chunks, and after a 100", curl) { site ->
            val body = "x".repeat(2_000_000)
            val file = Files.createTempFile("body", null)
            try {
                Files.writeString(file, body)
                site.curl("--data-binary", "@$file", site.url("/length")).well() shouldBe "2000000"
                val inChunks = arrayOf("-T", "$file", "-X", "POST", "-H", "Transfer-Encoding: chunked")
                site.curl(*inChunks, site.url("/length")).well() shouldBe "2000000"
                val ran = site.curl("-v", "-H", "Expect: 100-continue", "--data-binary", "@$file", site.url("/length"))
                ran.well() shouldContain "100 Continue"
                ran.output shouldContain "2000000"
            } finally {
                Files.delete(file)
            }
        }

        behaviour("curl: HEAD, a large answer, an old version, and a client that stops in the midst", curl) { site ->
            site.curl("-I", site.url("/")).well().let {
                it shouldContain "X-Head: yes"
                it.lowercase() shouldContain "content-length: 5"
            }
            site.curl("-o", "/dev/null", "-w", "%{size_download}", site.url("/large")).well() shouldBe "3000000"
            site.curl("--http1.0", site.url("/")).well() shouldBe "Hello"
            val cut = "curl -sS --cacert ${Certificates.file} ${site.url("/large")} | head -c 1000 | wc -c"
            run("sh", "-c", cut).output shouldContain "1000"
            site.curl(site.url("/")).well() shouldBe "Hello"
        }

        test("curl: over a unix socket, whose file is there while the server is").config(
            enabledOrReasonIf = { if (Subject.ofThisRun == Subject.NETPARK) curl else Enabled.disabled("Netpark's promise") },
        ) {
            val folder = Files.createTempDirectory("unix")
            val file = folder.resolve("s")
            RunningApplication(configure = {
                listenOnLoopback()
                unixConnector("$file")
            }) { routing { get("/") { call.respondText("by path") } } }.use { running ->
                val twice = arrayOf("http://localhost/", "http://localhost/")
                run("curl", "-sS", "--unix-socket", "$file", *twice).well() shouldBe "by pathby path"
                running.over(Scheme.HTTP).ask(get("/")).text shouldBe "by path"
            }
            eventually { Files.exists(file) shouldBe false }
            Files.delete(folder)
        }

        test("curl: a server that wants a certificate of its clients").config(
            enabledOrReasonIf = { if (Subject.ofThisRun.servesTls) curl else Enabled.disabled("this engine has no TLS") },
        ) {
            val folder = Files.createTempDirectory("client")
            val client = Certificates.root.issueClient("client")
            val chain = client.writeChain(folder.resolve("chain.pem"))
            val key = client.writeKey(folder.resolve("key.pem"))
            RunningApplication(configure = {
                val password = { Certificates.PASSWORD.toCharArray() }
                sslConnector(Certificates.keyStore, Certificates.ALIAS, password, password) {
                    host = "127.0.0.1"
                    port = 0
                    trustStore = Certificates.root.trustStore()
                }
            }) { routing { get("/") { call.respondText("Hello, client") } } }.use { running ->
                val site = running.over(Scheme.HTTPS)
                site.curl("--cert", "$chain", "--key", "$key", site.url("/")).well() shouldBe "Hello, client"
                check(site.curl(site.url("/")).status != 0)
                runCatching { site.ask(get("/")) }.exceptionOrNull().let { check(it is java.io.IOException) { "$it" } }
            }
            folder.toFile().deleteRecursively()
        }

        behaviour("wrk for a second: no errors", wrk) { site ->
            val report = run("wrk", "-t1", "-c32", "-d1s", site.url("/")).well()
            report shouldNotContain "Socket errors"
            report shouldNotContain "Non-2xx"
            Regex("""(\d+) requests in""").find(report)!!.groupValues[1].toLong() shouldBeGreaterThan 0
        }

        behaviour("h2load of HTTP/1.1: two thousand requests of twenty clients", h2load) { site ->
            val report = run("h2load", "--h1", "-n2000", "-c20", "-m4", site.url("/")).well()
            report shouldContain "2000 succeeded, 0 failed, 0 errored, 0 timeout"
            report shouldContain "2000 2xx"
        }

        val behindNginx = if (nginx != null) Enabled.enabled else Enabled.disabled("nginx is not installed")
        behaviour("nginx in front, with connections that it keeps", behindNginx) { site ->
            ReverseProxy(nginx!!, site).use { proxy ->
                ports.clear()
                val front = Site(Scheme.HTTP, proxy.port)
                val clients = (1..4).map {
                    async {
                        front.connect().use { peer ->
                            repeat(100) {
                                peer.send(get("/"))
                                peer.answer().text shouldBe "Hello"
                                peer.send(post("/length", "x".repeat(it * 10)))
                                peer.answer().text shouldBe "${it * 10}"
                            }
                            peer.send(get("/stream"))
                            peer.answer().text.lines().size shouldBe 6
                            peer.send(get("/large"))
                            peer.answer().body.size shouldBe 3_000_000
                        }
                    }
                }
                clients.forEach { it.result() }
                // Without keeping them it would have been one for each request.
                ports.size shouldBeLessThan 50
                proxy.errors().shouldBeEmpty()
            }
        }

        behaviour("slowhttptest, its four attacks at once: others are served meanwhile", slowhttptest, httpOnly) { site ->
            val attacks = listOf(
                listOf("-H", "-i", "1"), listOf("-B", "-i", "1", "-s", "8192"), listOf("-R"),
                listOf("-X", "-w", "1", "-y", "10", "-n", "1", "-z", "16", "-k", "3"),
            ).map { attack ->
                val target = site.url(if ("-B" in attack) "/length" else "/large")
                ProcessBuilder(listOf("slowhttptest", "-c", "150", "-r", "100", "-l", "2", "-u", target) + attack)
                    .redirectErrorStream(true).redirectOutput(ProcessBuilder.Redirect.DISCARD).start()
            }
            try {
                while (attacks.any { it.isAlive }) {
                    site.ask(get("/", "Connection: close")).text shouldBe "Hello"
                    Thread.sleep(20)
                }
            } finally {
                attacks.forEach { it.destroyForcibly().waitFor() }
            }
            site.ask(get("/", "Connection: close")).text shouldBe "Hello"
        }
    },
)

/** nginx, which passes all on to a server and keeps its connections. */
private class ReverseProxy(program: String, target: Site) : AutoCloseable {
    private val folder = Files.createTempDirectory("nginx")
    private val held = HeldPort() // nobody else gets it before nginx listens
    val port: Int = held.port
    private val process: Process

    init {
        val verify = if (target.scheme == Scheme.HTTPS) {
            "proxy_ssl_trusted_certificate ${Certificates.file}; proxy_ssl_verify on; proxy_ssl_name localhost;"
        } else {
            ""
        }
        Files.writeString(
            folder.resolve("nginx.conf"),
            """
            daemon off;
            master_process off;
            pid nginx.pid;
            error_log error.log error;
            events { worker_connections 500; }
            http {
                access_log off;
                client_body_temp_path body; proxy_temp_path proxy;
                fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;
                upstream behind { server 127.0.0.1:${target.port}; keepalive 8; keepalive_requests 100000; }
                server {
                    listen 127.0.0.1:$port;
                    location / {
                        proxy_pass ${target.scheme}://behind;
                        proxy_http_version 1.1;
                        proxy_set_header Connection "";
                        $verify
                    }
                }
            }
            """.trimIndent(),
        )
        process = ProcessBuilder(program, "-e", "error.log", "-p", "$folder", "-c", "nginx.conf")
            .redirectErrorStream(true).redirectOutput(folder.resolve("output").toFile()).start()
        io.netpark.core.testing.eventually { Site(Scheme.HTTP, port).connect().close() }
    }

    /** What it has to say of the server behind it. */
    fun errors(): List<String> = Files.readAllLines(folder.resolve("error.log")).filter { "[error]" in it || "[crit]" in it }

    override fun close() {
        process.destroy()
        if (!process.waitFor(10, TimeUnit.SECONDS)) process.destroyForcibly().waitFor()
        held.close()
        folder.toFile().deleteRecursively()
    }
}
