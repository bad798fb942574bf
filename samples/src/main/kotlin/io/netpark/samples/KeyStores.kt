package io.netpark.samples

import java.io.IOException
import java.nio.file.Path
import java.security.GeneralSecurityException
import java.security.KeyFactory
import java.security.KeyStore
import java.security.PrivateKey
import java.security.cert.Certificate
import java.security.cert.CertificateFactory
import java.security.spec.PKCS8EncodedKeySpec
import java.util.Base64
import kotlin.io.path.inputStream
import kotlin.io.path.readText

/**
 * What is in files of PEM, for servers that want key stores: they are in memory only.
 *
 * @property keys with a certificate, its chain and its key, as [ALIAS] and with [PASSWORD]
 * @property trusted the authorities whose clients are let in; null if clients need no certificate
 */
internal class KeyStores private constructor(val keys: KeyStore, val trusted: KeyStore?) {

    companion object {
        const val ALIAS = "server"
        val PASSWORD: CharArray get() = "in memory".toCharArray()

        private val KEY = Regex("-----BEGIN PRIVATE KEY-----(.*?)-----END PRIVATE KEY-----", RegexOption.DOT_MATCHES_ALL)

        /** Reads them. Throws [IOException] with what is wrong. */
        fun of(certificate: Path, key: Path, authorities: Path?): KeyStores {
            val chain = certificates(certificate)
            val keys = empty().apply { setKeyEntry(ALIAS, privateKey(key, chain.first()), PASSWORD, chain.toTypedArray()) }
            val trusted = authorities?.let { file ->
                empty().apply { certificates(file).forEachIndexed { number, each -> setCertificateEntry("$number", each) } }
            }
            return KeyStores(keys, trusted)
        }

        private fun empty() = KeyStore.getInstance("PKCS12").apply { load(null) }

        private fun certificates(file: Path): List<Certificate> = try {
            file.inputStream().use { CertificateFactory.getInstance("X.509").generateCertificates(it) }.toList()
        } catch (e: GeneralSecurityException) {
            throw IOException("$file: ${e.message}", e)
        }.ifEmpty { throw IOException("$file: there is no certificate in it") }

        /** In PKCS#8 (RFC 5958); of which algorithm it is, the certificate says. */
        private fun privateKey(file: Path, certificate: Certificate): PrivateKey {
            val text = KEY.find(file.readText())?.groupValues?.get(1)
                ?: throw IOException("$file: there is no PRIVATE KEY in it, which is how an unencrypted PKCS#8 key begins")
            return try {
                KeyFactory.getInstance(certificate.publicKey.algorithm)
                    .generatePrivate(PKCS8EncodedKeySpec(Base64.getMimeDecoder().decode(text)))
            } catch (e: GeneralSecurityException) {
                throw IOException("$file: ${e.message}", e)
            } catch (e: IllegalArgumentException) { // of Base64
                throw IOException("$file: ${e.message}", e)
            }
        }
    }
}
