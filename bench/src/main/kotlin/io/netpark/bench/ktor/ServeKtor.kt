package io.netpark.bench.ktor

import io.ktor.server.engine.ApplicationEngine
import io.ktor.server.engine.ApplicationEngineFactory
import io.ktor.server.engine.connector
import io.ktor.server.engine.embeddedServer
import io.ktor.server.engine.sslConnector
import io.netpark.bench.server.Console
import io.netpark.bench.tls.SelfSigned
import kotlinx.coroutines.runBlocking
import java.io.File
import java.nio.file.Path
import java.security.KeyStore

/**
 * The process of a Ktor server: `ServeKtor ENGINE FILE [CERTIFICATE]`. ENGINE is the name of the engine's object: it is loaded
 * by that, as what is compiled here is run with the class path of one engine at a time. With a certificate it speaks HTTPS.
 * Otherwise an engine has its defaults, of one processor where the process is pinned to one.
 */
public object ServeKtor {

    private const val HOST = "127.0.0.1"
    private const val ALIAS = "bench"
    private val PASSWORD = "netpark".toCharArray()

    /** Serves until the standard input ends. */
    @JvmStatic
    public fun main(arguments: Array<String>) {
        System.setProperty("io.ktor.development", "false")
        val identity = arguments.getOrNull(2)?.let { keyStore(SelfSigned.read(Path.of(it))) }
        val server = embeddedServer(engine(arguments[0]), configure = {
            if (identity == null) {
                connector {
                    host = HOST
                    port = 0
                }
            } else {
                sslConnector(identity, ALIAS, { PASSWORD }, { PASSWORD }) {
                    host = HOST
                    port = 0
                }
            }
        }) { measured(File(arguments[1])) }
        server.start(wait = false)
        val port = runBlocking { server.engine.resolvedConnectors().first().port }
        Console.run(port) { words -> "unknown command: ${words[0]}" }
    }

    private fun engine(name: String): ApplicationEngineFactory<ApplicationEngine, ApplicationEngine.Configuration> {
        @Suppress("UNCHECKED_CAST") // Every factory makes engines from configurations of its own.
        return Class.forName(name).getField("INSTANCE").get(null) as
            ApplicationEngineFactory<ApplicationEngine, ApplicationEngine.Configuration>
    }

    private fun keyStore(identity: SelfSigned): KeyStore = KeyStore.getInstance("PKCS12").apply {
        load(null)
        setKeyEntry(ALIAS, identity.key(), PASSWORD, arrayOf(identity.certificate()))
    }
}
