package io.netpark.core.tls;

import java.net.Socket;
import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.X509ExtendedTrustManager;
import org.jspecify.annotations.Nullable;

/**
 * Checks what a peer sends by a trust manager, and notes that it has sent it.
 *
 * <p>In TLS 1.3 the kind of key is no part of the cipher suite. Conscrypt then calls it GENERIC and the JDK UNKNOWN, and the
 * JDK's trust manager refuses what it has no name for.
 */
final class TrustCheck extends X509ExtendedTrustManager {

    /** Null to trust anyone. */
    private final @Nullable X509ExtendedTrustManager manager;

    TrustCheck(@Nullable X509ExtendedTrustManager manager) {
        this.manager = manager;
    }

    private static String known(String authType) {
        return authType.equals("GENERIC") ? "UNKNOWN" : authType;
    }

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String authType, SSLEngine engine) throws CertificateException {
        Negotiation.noteCertificate(engine);
        if (manager != null) {
            manager.checkClientTrusted(chain, known(authType), engine);
        }
    }

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String authType, SSLEngine engine) throws CertificateException {
        Negotiation.noteCertificate(engine);
        if (manager != null) {
            manager.checkServerTrusted(chain, known(authType), engine);
        }
    }

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String authType) throws CertificateException {
        if (manager != null) {
            manager.checkClientTrusted(chain, known(authType));
        }
    }

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String authType) throws CertificateException {
        if (manager != null) {
            manager.checkServerTrusted(chain, known(authType));
        }
    }

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String authType, Socket socket) throws CertificateException {
        if (manager != null) {
            manager.checkClientTrusted(chain, known(authType), socket);
        }
    }

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String authType, Socket socket) throws CertificateException {
        if (manager != null) {
            manager.checkServerTrusted(chain, known(authType), socket);
        }
    }

    @Override
    public X509Certificate[] getAcceptedIssuers() {
        return manager == null ? new X509Certificate[0] : manager.getAcceptedIssuers();
    }
}
