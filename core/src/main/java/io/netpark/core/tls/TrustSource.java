package io.netpark.core.tls;

import io.netpark.core.pem.PemException;
import io.netpark.core.pem.PemFile;
import java.io.IOException;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.Security;
import java.security.cert.X509Certificate;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509TrustManager;
import org.jspecify.annotations.Nullable;

/** Where the certificates come from that are trusted: read when a {@link Tls} is made, and whenever it is reloaded. */
interface TrustSource {

    /** @throws TlsConfigurationException if what is there is of no use */
    List<X509Certificate> load();

    /** What is read. */
    default List<Path> files() {
        return List.of();
    }

    /** Whom the JDK trusts: by the file {@code cacerts}, or by what {@code javax.net.ssl.trustStore} says. */
    TrustSource SYSTEM = () -> Arrays.asList(managerOf(null).getAcceptedIssuers());

    static TrustSource ofPem(Path file) {
        return new TrustSource() {
            @Override
            public List<X509Certificate> load() {
                try {
                    return PemFile.read(file).certificates().stream().map(PemFile.Entry::certificate).toList();
                } catch (PemException e) {
                    throw TlsConfigurationException.of(e);
                }
            }

            @Override
            public List<Path> files() {
                return List.of(file);
            }
        };
    }

    /** @param password not copied */
    static TrustSource ofStore(Path file, char @Nullable [] password) {
        return new TrustSource() {
            @Override
            public List<X509Certificate> load() {
                return StoreFile.certificates(StoreFile.open(file, password), file.toString());
            }

            @Override
            public List<Path> files() {
                return List.of(file);
            }
        };
    }

    /** One that trusts these certificates and those that they sign. */
    static X509TrustManager manager(Collection<X509Certificate> authorities) {
        try {
            KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
            store.load(null, null);
            for (X509Certificate authority : authorities) {
                store.setCertificateEntry("authority " + store.size(), authority);
            }
            return managerOf(store);
        } catch (IOException | GeneralSecurityException e) {
            throw new TlsConfigurationException("the JDK cannot hold certificates to trust: " + e.getMessage(), e);
        }
    }

    /** @param store null for the JDK's own */
    private static X509TrustManager managerOf(@Nullable KeyStore store) {
        try {
            // The JDK's own, whose checks of names work with engines of all providers.
            TrustManagerFactory factory = Security.getProvider("SunJSSE") != null
                    ? TrustManagerFactory.getInstance("PKIX", "SunJSSE")
                    : TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
            factory.init(store);
            for (TrustManager manager : factory.getTrustManagers()) {
                if (manager instanceof X509TrustManager x509) {
                    return x509;
                }
            }
            throw new TlsConfigurationException("the JDK has no trust manager for certificates");
        } catch (GeneralSecurityException e) {
            throw new TlsConfigurationException(
                    "whom the JDK trusts cannot be read: " + e.getMessage() + "; see the system property javax.net.ssl.trustStore", e);
        }
    }
}
