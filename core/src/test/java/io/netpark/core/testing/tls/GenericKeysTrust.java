package io.netpark.core.testing.tls;

import java.net.Socket;
import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.X509ExtendedTrustManager;

/**
 * The JDK's trust manager, for Conscrypt. In TLS 1.3, where the kind of key is no part of the cipher suite, Conscrypt calls it
 * {@code GENERIC} and the JDK {@code UNKNOWN}, and the JDK refuses what it has no name for.
 */
final class GenericKeysTrust extends X509ExtendedTrustManager {

    private final X509ExtendedTrustManager jdk;

    GenericKeysTrust(X509ExtendedTrustManager jdk) {
        this.jdk = jdk;
    }

    private static String known(String kind) {
        return kind.equals("GENERIC") ? "UNKNOWN" : kind;
    }

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String kind, SSLEngine engine) throws CertificateException {
        jdk.checkServerTrusted(chain, known(kind), engine);
    }

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String kind, Socket socket) throws CertificateException {
        jdk.checkServerTrusted(chain, known(kind), socket);
    }

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String kind) throws CertificateException {
        jdk.checkServerTrusted(chain, known(kind));
    }

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String kind, SSLEngine engine) throws CertificateException {
        jdk.checkClientTrusted(chain, known(kind), engine);
    }

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String kind, Socket socket) throws CertificateException {
        jdk.checkClientTrusted(chain, known(kind), socket);
    }

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String kind) throws CertificateException {
        jdk.checkClientTrusted(chain, known(kind));
    }

    @Override
    public X509Certificate[] getAcceptedIssuers() {
        return jdk.getAcceptedIssuers();
    }
}
