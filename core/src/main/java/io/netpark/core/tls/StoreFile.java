package io.netpark.core.tls;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.Key;
import java.security.KeyStore;
import java.security.KeyStoreException;
import java.security.PrivateKey;
import java.security.UnrecoverableKeyException;
import java.security.cert.Certificate;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Key stores, and what is in them. */
final class StoreFile {

    private StoreFile() {}

    /** Opens a file of whatever kind the JDK knows: PKCS#12 or JKS. */
    static KeyStore open(Path file, char @Nullable [] password) {
        if (!Files.isRegularFile(file)) {
            throw new TlsConfigurationException(file + (Files.exists(file) ? ": is no file" : ": there is no such file"));
        }
        try {
            return KeyStore.getInstance(file.toFile(), password);
        } catch (KeyStoreException e) {
            throw new TlsConfigurationException(file + ": is no key store that the JDK knows, such as PKCS#12 or JKS", e);
        } catch (IOException | GeneralSecurityException e) {
            boolean closed = e.getCause() instanceof UnrecoverableKeyException;
            throw new TlsConfigurationException(file + (closed ? ": the password is wrong" : ": cannot be read: " + e.getMessage()), e);
        }
    }

    /**
     * The keys of a store.
     *
     * @param name of the store, for messages
     * @param alias of the one key; null for all of them
     */
    static List<Identity> identities(KeyStore store, String name, @Nullable String alias, char[] password) {
        try {
            List<Identity> identities = new ArrayList<>();
            List<String> entries = Collections.list(store.aliases());
            for (String entry : entries) {
                if (alias == null ? store.isKeyEntry(entry) : entry.equalsIgnoreCase(alias)) {
                    identities.add(identity(store, name + ", entry " + entry, entry, password));
                }
            }
            if (identities.isEmpty()) {
                throw new TlsConfigurationException(
                        name + ": has no " + (alias == null ? "key" : "entry " + alias) + ", only " + entries);
            }
            return identities;
        } catch (KeyStoreException e) {
            throw new TlsConfigurationException(name + ": cannot be read: " + e.getMessage(), e);
        }
    }

    private static Identity identity(KeyStore store, String source, String alias, char[] password) throws KeyStoreException {
        Key key;
        try {
            key = store.getKey(alias, password);
        } catch (GeneralSecurityException e) {
            throw new TlsConfigurationException(source + ": the password of the key is wrong", e);
        }
        Certificate[] chain = store.getCertificateChain(alias);
        if (!(key instanceof PrivateKey own) || chain == null) {
            throw new TlsConfigurationException(source + ": has no private key with a certificate");
        }
        List<X509Certificate> certificates = new ArrayList<>();
        for (Certificate certificate : chain) {
            if (certificate instanceof X509Certificate x509) {
                certificates.add(x509);
            }
        }
        return Identity.of(certificates, own, source);
    }

    /** All certificates of a store that stand alone. */
    static List<X509Certificate> certificates(KeyStore store, String name) {
        try {
            List<X509Certificate> certificates = new ArrayList<>();
            for (String entry : Collections.list(store.aliases())) {
                if (store.isCertificateEntry(entry) && store.getCertificate(entry) instanceof X509Certificate certificate) {
                    certificates.add(certificate);
                }
            }
            if (certificates.isEmpty()) {
                throw new TlsConfigurationException(name + ": has no certificate to trust; a PKCS#12 store shows none without its"
                        + " password, and those of its own keys do not count (keytool -importcert adds one)");
            }
            return certificates;
        } catch (KeyStoreException e) {
            throw new TlsConfigurationException(name + ": cannot be read: " + e.getMessage(), e);
        }
    }
}
