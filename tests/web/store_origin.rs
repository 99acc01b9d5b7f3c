//! The list of [`crate::store`] over the origin's private file system.

use rivulet::web::storage::FileStore;
use rivulet::web::storage::origin::OriginFiles;

crate::store::tests_of_a_store!(FileStore::Origin(OriginFiles::open().await.unwrap()));
