package io.netpark.core.testing.tls;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.cert.X509Certificate;
import java.util.List;

/**
 * A certificate and its private key.
 *
 * @param chain the certificate first, then those of the authorities between it and a root, but not the root
 */
public record Identity(List<X509Certificate> chain, PrivateKey key) {

    public Identity {
        chain = List.copyOf(chain);
    }

    public X509Certificate certificate() {
        return chain.get(0);
    }

    /** The same without its authorities: what a server has that forgot them. */
    public Identity alone() {
        return new Identity(List.of(certificate()), key);
    }

    /** The chain as a file of PEM. */
    public Path writeChain(Path file) {
        return Pem.write(file, Pem.of(chain));
    }

    /** The key as a file of PEM: PKCS#8, and not encrypted. */
    public Path writeKey(Path file) {
        return Pem.write(file, Pem.of(key));
    }

    /** The key as a file of PEM: PKCS#8, encrypted as {@code openssl pkcs8} does. */
    public Path writeKey(Path file, String password) {
        return Pem.write(file, Pem.encrypted(key, password));
    }

    /** Both as a PKCS#12 file, whose password is that of the key as well. */
    public Path writePkcs12(Path file, String alias, String password) {
        try (var out = Files.newOutputStream(file)) {
            keyStore(alias, password).store(out, password.toCharArray());
            return file;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Both as the only entry of a key store. */
    public KeyStore keyStore(String alias, String password) {
        try {
            var store = KeyStore.getInstance("PKCS12");
            store.load(null, null);
            store.setKeyEntry(alias, key, password.toCharArray(), chain.toArray(new X509Certificate[0]));
            return store;
        } catch (IOException | GeneralSecurityException e) {
            throw new IllegalStateException(e);
        }
    }
}
