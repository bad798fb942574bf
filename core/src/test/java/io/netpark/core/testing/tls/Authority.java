package io.netpark.core.testing.tls;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.math.BigInteger;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.cert.X509CRL;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Date;
import java.util.List;
import org.bouncycastle.asn1.x509.CRLNumber;
import org.bouncycastle.asn1.x509.CRLReason;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.cert.jcajce.JcaX509CRLConverter;
import org.bouncycastle.cert.jcajce.JcaX509ExtensionUtils;
import org.bouncycastle.cert.jcajce.JcaX509v2CRLBuilder;
import org.bouncycastle.operator.OperatorCreationException;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;

/**
 * A certificate authority: a root, or one between a root and the certificates it issues.
 *
 * <pre>{@code
 * Authority root = Authority.root("Test root");
 * Identity server = root.issue("server.test", "127.0.0.1");
 * Identity expired = root.intermediate("Test intermediate").order("server.test").expired().issue();
 * }</pre>
 */
public final class Authority {

    private final KeyPair keys;
    private final X509Certificate certificate;
    private final List<X509Certificate> above;

    private Authority(KeyPair keys, X509Certificate certificate, List<X509Certificate> above) {
        this.keys = keys;
        this.certificate = certificate;
        this.above = above;
    }

    /** With a key of an elliptic curve, as these are quickly made. */
    public static Authority root(String name) {
        return root(name, KeyKind.EC);
    }

    /** Never the same keys twice, not even for the same name. */
    public static Authority root(String name, KeyKind kind) {
        var keys = kind.fresh();
        return new Authority(keys, Order.ofAuthority(null, name).keys(keys).certificate(), List.of());
    }

    /** One that this authority has signed. */
    public Authority intermediate(String name) {
        var own = KeyKind.of(keys.getPublic()).fresh();
        return new Authority(own, Order.ofAuthority(this, name).keys(own).certificate(), chain());
    }

    /** One that this authority has signed, but whose time is over. */
    public Authority expiredIntermediate(String name) {
        var own = KeyKind.of(keys.getPublic()).fresh();
        return new Authority(own, Order.ofAuthority(this, name).keys(own).expired().certificate(), chain());
    }

    /** Another certificate of this authority, for the same key, by which who trusts only the other one comes to trust this. */
    public X509Certificate signedBy(Authority other) {
        var name = certificate.getSubjectX500Principal().getName().substring("CN=".length());
        return Order.ofAuthority(other, name).keys(keys).certificate();
    }

    /** A certificate of a server, with these names or addresses. */
    public Identity issue(String... names) {
        return order(names).issue();
    }

    /** A certificate of a client. */
    public Identity issueClient(String name) {
        return order().commonName(name).forClients().issue();
    }

    /** A certificate that is not like most. */
    public Order order(String... names) {
        return new Order(this, List.of(names));
    }

    public X509Certificate certificate() {
        return certificate;
    }

    PrivateKey key() {
        return keys.getPrivate();
    }

    /** What is sent after a certificate of this authority: itself and those above it, but not the root. */
    List<X509Certificate> chain() {
        if (isRoot()) {
            return List.of();
        }
        var chain = new ArrayList<X509Certificate>();
        chain.add(certificate);
        chain.addAll(above);
        return chain;
    }

    private boolean isRoot() {
        return certificate.getIssuerX500Principal().equals(certificate.getSubjectX500Principal());
    }

    /** The certificate as a file of PEM, for those who trust it. */
    public Path write(Path file) {
        return Pem.write(file, Pem.of(certificate));
    }

    /** The certificate as a PKCS#12 file of those whom one trusts. */
    public Path writePkcs12(Path file, String password) {
        try (var out = Files.newOutputStream(file)) {
            trustStore().store(out, password.toCharArray());
            return file;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException(e);
        }
    }

    /** The certificate as a key store of those whom one trusts. */
    public KeyStore trustStore() {
        return trustStore(List.of(certificate));
    }

    static KeyStore trustStore(List<X509Certificate> trusted) {
        try {
            var store = KeyStore.getInstance("PKCS12");
            store.load(null, null);
            for (int i = 0; i < trusted.size(); i++) {
                store.setCertificateEntry("authority-" + i, trusted.get(i));
            }
            return store;
        } catch (IOException | GeneralSecurityException e) {
            throw new IllegalStateException(e);
        }
    }

    /** A list of certificates that this authority has taken back, an hour ago. */
    public X509CRL revoking(X509Certificate... revoked) {
        var now = Instant.now();
        var list = new JcaX509v2CRLBuilder(certificate, Date.from(now.minus(Duration.ofHours(1))));
        list.setNextUpdate(Date.from(now.plus(Duration.ofDays(30))));
        for (X509Certificate each : revoked) {
            list.addCRLEntry(each.getSerialNumber(), Date.from(now.minus(Duration.ofHours(1))), CRLReason.keyCompromise);
        }
        try {
            var extensions = new JcaX509ExtensionUtils();
            list.addExtension(Extension.authorityKeyIdentifier, false, extensions.createAuthorityKeyIdentifier(certificate));
            list.addExtension(Extension.cRLNumber, false, new CRLNumber(BigInteger.ONE));
            var signer = new JcaContentSignerBuilder(KeyKind.of(keys.getPublic()).signature()).build(keys.getPrivate());
            return new JcaX509CRLConverter().getCRL(list.build(signer));
        } catch (IOException | GeneralSecurityException | OperatorCreationException e) {
            throw new IllegalStateException(e);
        }
    }
}
