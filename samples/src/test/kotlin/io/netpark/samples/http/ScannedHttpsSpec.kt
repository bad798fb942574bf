package io.netpark.samples.http

import io.kotest.assertions.withClue
import io.kotest.matchers.collections.shouldBeEmpty
import io.kotest.matchers.collections.shouldNotBeEmpty
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.kotest.matchers.string.shouldNotContain
import io.netpark.samples.Certificates
import io.netpark.samples.SampleSpec
import io.netpark.samples.needs
import io.netpark.samples.program
import kotlinx.serialization.json.Json
import kotlinx.serialization.json.jsonArray
import kotlinx.serialization.json.jsonObject
import kotlinx.serialization.json.jsonPrimitive
import java.nio.file.Files
import java.nio.file.Path
import kotlin.io.path.readText
import kotlin.time.Duration.Companion.minutes

/**
 * What programs say that look for weak spots. nginx with TLS 1.2 and 1.3, and its defaults otherwise, gets two marks of LOW and one of
 * HIGH.
 */
class ScannedHttpsSpec : SampleSpec({
    val folder: Path = Files.createTempDirectory("scanned")
    afterSpec { folder.toFile().deleteRecursively() }

    val https by lazy { RunningHttp(*Certificates.options) }
    afterSpec { https.close() }

    test("sslscan: two versions, ciphers with forward secrecy and authentication, and none of the old holes")
        .config(enabledOrReasonIf = { needs("sslscan", "--version") }) {
            val (report, status) = program("sslscan", "--no-colour", "127.0.0.1:${https.port}")
            withClue(report) {
                status shouldBe 0
                for (old in listOf("SSLv2", "SSLv3", "TLSv1.0", "TLSv1.1")) report shouldContain Regex("$old +disabled")
                for (version in listOf("TLSv1.2", "TLSv1.3")) {
                    report shouldContain Regex("$version +enabled")
                    report shouldContain "$version not vulnerable to heartbleed"
                }
                report shouldContain "Session renegotiation not supported"
                report shouldNotContain "Insecure"
                val ciphers = report.lines().filter { it.startsWith("Preferred") || it.startsWith("Accepted") }
                    .map { it.split(Regex(" +"))[4] }
                ciphers.shouldNotBeEmpty()
                ciphers.filterNot { (it.startsWith("ECDHE-") || it.startsWith("TLS_")) && ("GCM" in it || "CHACHA20" in it) }.shouldBeEmpty()
            }
        }

    // Versions, heartbleed, CCS, renegotiation, CRIME, SWEET32 and RC4; with -Dnetpark.tls.scan=all, which takes minutes, all there is.
    val checks = listOf("-p", "-H", "-I", "-R", "-C", "-W", "-4")
    val moreChecks = if (System.getProperty("netpark.tls.scan") == "all") {
        listOf("-s", "-P", "-T", "-BB", "-F", "-J", "-D", "-L", "-A")
    } else {
        emptyList()
    }

    test("testssl.sh: no mark worse than OK")
        .config(timeout = 10.minutes, enabledOrReasonIf = { needs("sh", "-c", "command -v testssl") }) {
            val findings = folder.resolve("findings.json")
            val (report, _) = program(
                "testssl", "--color", "0", "--quiet", "--warnings", "off", "--nodns", "none", "--jsonfile", "$findings",
                *(checks + moreChecks).toTypedArray(), "127.0.0.1:${https.port}",
            )
            val marks = withClue(report) { Json.parseToJsonElement(findings.readText()).jsonArray.map { it.jsonObject } }.associate {
                it.getValue("id").jsonPrimitive.content to "${it.getValue("severity").jsonPrimitive.content} ${it["finding"]?.jsonPrimitive?.content}"
            }
            withClue(marks) {
                marks["TLS1_2"] shouldBe "OK offered"
                marks["TLS1_3"]!! shouldContain "OK offered"
                for (hole in listOf("heartbleed", "CCS", "secure_client_renego", "CRIME_TLS", "SWEET32", "RC4")) {
                    marks[hole]!! shouldContain "OK not vulnerable"
                }
                marks.filterValues { it.substringBefore(' ') !in setOf("OK", "INFO", "WARN") } shouldBe emptyMap()
            }
        }
})
